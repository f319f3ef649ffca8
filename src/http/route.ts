/** Where requests of one address go: by hostname, then by path prefix. */
export interface Route<Target> {
  /** Absent means any. */
  readonly hostname?: string;
  /** `/` is all; `/api` is `/api` and what lies below it, never `/apiary`. */
  readonly path: string;
  readonly target: Target;
}

/**
 * The function that finds the target of a URL. Routes with the URL's hostname come before those for any
 * hostname; among them the longest path wins.
 *
 * @example createRouter([{ path: "/", target: "site" }, { path: "/api", target: "api" }])("http://x/api/1") // "api"
 */
export function createRouter<Target>(routes: readonly Route<Target>[]): (url: string) => Target | undefined {
  const sorted = routes
    .map((route) => ({ ...route, hostname: route.hostname?.toLowerCase(), path: trimSlash(route.path) }))
    .sort(
      (a, b) =>
        Number(b.hostname !== undefined) - Number(a.hostname !== undefined) || b.path.length - a.path.length,
    );
  const byHostname = sorted.some((route) => route.hostname !== undefined);
  return (url) => {
    const start = pathStart(url);
    const hostname = byHostname ? hostnameOf(url, start) : undefined;
    const path = url.slice(start, pathEnd(url, start));
    for (const route of sorted) {
      if (route.hostname !== undefined && route.hostname !== hostname) continue;
      if (liesBelow(path, route.path)) return route.target;
    }
    return undefined;
  };
}

function trimSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** The URL of a request always has a scheme and an authority; parsing it whole would cost more than the rest. */
function pathStart(url: string): number {
  for (let index = url.indexOf("://") + 3; index < url.length; index++) {
    const code = url.charCodeAt(index);
    if (code === 47 || code === 63 || code === 35) return index;
  }
  return url.length;
}

/** Where the query or the fragment begins. */
function pathEnd(url: string, start: number): number {
  for (let index = start; index < url.length; index++) {
    const code = url.charCodeAt(index);
    if (code === 63 || code === 35) return index;
  }
  return url.length;
}

function hostnameOf(url: string, end: number): string {
  const authority = url.slice(url.indexOf("://") + 3, end).toLowerCase();
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return host.replace(/:\d*$/, "");
}

function liesBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 47;
}
