import type { Plan } from "../core/plan.ts";
import { sealed } from "../core/sealed.ts";

export interface HardeningOptions {
  readonly plan: Plan;
  readonly scope: "system" | "user";
  readonly command: readonly string[];
  readonly folder: string;
}

/**
 * What the process may not do. Without `MemoryDenyWriteExecute=`: both runtimes make machine code as they run.
 * Without `ProcSubset=pid`: services read /proc/meminfo and /proc/cpuinfo.
 */
export function hardening(options: HardeningOptions): string[] {
  // The manager of a user may do no more than the user: most of it takes a namespace that only root can make.
  if (options.scope === "user") return ["UMask=0077", "LimitNOFILE=65536", ...forEverybody];
  const bindsLow = bindsLowPorts(options.plan);
  const capabilities = bindsLow ? "CAP_NET_BIND_SERVICE" : "";
  return [
    "DynamicUser=yes",
    "UMask=0077",
    "LimitNOFILE=65536",
    "ProtectSystem=strict",
    `ProtectHome=${homePaths(options).length > 0 ? "read-only" : "yes"}`,
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    // In a user namespace of its own nobody may bind a low port of the machine.
    ...(bindsLow ? [] : ["PrivateUsers=yes"]),
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    `CapabilityBoundingSet=${capabilities}`,
    ...(bindsLow ? [`AmbientCapabilities=${capabilities}`] : []),
    "RemoveIPC=yes",
    ...forEverybody,
  ];
}

/** What of it lies in somebody's home, where a user of its own may not look. */
export function homePaths(options: HardeningOptions): string[] {
  return pathsIn(/^\/(?:home|root|run\/user)\//, options);
}

/** What of it `PrivateTmp=` hides. */
export function privatePaths(options: HardeningOptions): string[] {
  return pathsIn(/^\/(?:tmp|var\/tmp)(?:\/|$)/, options);
}

function pathsIn(place: RegExp, { plan, command, folder }: HardeningOptions): string[] {
  const modules = sealed() ? [] : [plan.file, ...plan.services.map(({ module }) => module)];
  return [...new Set([...command, folder, ...modules])].filter((path) => place.test(path));
}

const forEverybody: readonly string[] = [
  "NoNewPrivileges=yes",
  "RestrictSUIDSGID=yes",
  "RestrictRealtime=yes",
  "RestrictNamespaces=yes",
  "LockPersonality=yes",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallFilter=~@privileged @resources",
  "SystemCallErrorNumber=EPERM",
];

function bindsLowPorts({ services, admin }: Plan): boolean {
  const addresses = [...services.map(({ http }) => http?.address), admin ? admin.listen : undefined];
  return addresses.some((address) => address?.tag === "tcp" && address.port > 0 && address.port < 1_024);
}
