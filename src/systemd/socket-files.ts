import type { Plan } from "../core/plan.ts";

/**
 * Of the unix sockets that systemd shall open, those in the unit's own RuntimeDirectory=: systemd removes that folder with
 * all that is in it whenever the service stops, and the socket unit goes on listening on a name that nobody finds.
 */
export function vanishingSockets({ name, services }: Plan): string[] {
  const folder = new RegExp(`^(?:/var)?/run/${name}/`);
  const paths = services.flatMap(({ http }) =>
    http?.address.tag === "systemd" && http.address.at?.tag === "unix" ? [http.address.at.path] : [],
  );
  return [...new Set(paths)].filter((path) => folder.test(path));
}

/** Of the unix sockets that the supervisor makes, those where a unit with `ProtectSystem=strict` may not write. */
export function forbiddenSockets({ services, admin }: Plan): string[] {
  const addresses = [...services.map(({ http }) => http?.address), admin ? admin.listen : undefined];
  const paths = addresses.flatMap((address) => (address?.tag === "unix" ? [address.path] : []));
  return [...new Set(paths)].filter((path) => !/^(?:\/var)?\/(?:run|tmp)\/|^\/var\/lib\//.test(path));
}
