import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { SystemdRig } from "./systemd-rig.ts";
import { freshBinary } from "./targets.ts";

/** Ways to run the supervisor under a unit: paths as the booted systemd sees them. */
export const unitTargets = [
  { name: "binary", command: ["/opt/supervisor/dist/supervisor"] },
  {
    name: "deno",
    command: ["/opt/supervisor/node_modules/deno/deno", "run", "-A", "/opt/supervisor/src/main.ts"],
  },
] as const;
export type UnitTarget = (typeof unitTargets)[number];

/** A services.yaml and the unit that `supervisor systemd --install` has made of it. Stopped and removed at the end. */
export interface Unit extends AsyncDisposable {
  readonly name: string;
  /** As the test sees it. */
  readonly folder: string;
  start(): ReturnType<SystemdRig["run"]>;
  systemctl(verb: string): ReturnType<SystemdRig["run"]>;
  show(property: string): Promise<string>;
  /** Its log, one object a line. */
  journal(): Promise<readonly Readonly<Record<string, string>>[]>;
}

export interface UnitFiles {
  readonly yaml: string;
  readonly modules: Readonly<Record<string, string>>;
  /** Lines of [Service] that go over those of the unit. */
  readonly over?: readonly string[];
}

let count = 0;

/** `yaml` begins after the line with the name. */
export async function installUnit(rig: SystemdRig, target: UnitTarget, files: UnitFiles): Promise<Unit> {
  freshBinary();
  const name = `shop${++count}`;
  const { yaml, modules, over = [] } = files;
  rig.shared.write(`${name}/services.yaml`, `name: ${name}\n${yaml}`);
  for (const [file, text] of Object.entries(modules)) rig.shared.write(`${name}/${file}`, text);
  chmodSync(join(rig.shared.path, name), 0o755);
  await rig.done(...target.command, "systemd", `/mnt/shared/${name}/services.yaml`, "--install");
  if (over.length > 0) {
    await rig.write(`/etc/systemd/system/${name}.service.d/test.conf`, `[Service]\n${over.join("\n")}\n`);
  }
  await rig.done("systemctl", "daemon-reload");
  const unit = `${name}.service`;
  const systemctl = (verb: string) => rig.run("systemctl", verb, unit);
  return {
    name,
    folder: join(rig.shared.path, name),
    start: () => systemctl("start"),
    systemctl,
    show: (property) => rig.show(unit, property),
    async journal() {
      const text = await rig.done("journalctl", "-u", unit, "-o", "json", "--no-pager");
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    async [Symbol.asyncDispose]() {
      await rig.run("systemctl", "stop", unit, `${name}-web.socket`, `${name}-admin.socket`);
      await rig.run("systemctl", "reset-failed");
    },
  };
}
