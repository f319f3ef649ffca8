import { expect, test } from "bun:test";
import { fixtures, startSystem } from "../support/system.ts";
import { describeTargets } from "../support/targets.ts";
import { until } from "../support/until.ts";

const slow = 40_000;
const yaml = `name: measured
admin: { listen: 127.0.0.1:0 }
shutdown: { timeout: 1s }
services:
  plain: { module: ${fixtures}/plain.ts, http: { port: 0 } }
  culprit: { module: ${fixtures}/freezes.ts, http: { port: 0 } }
`;

describeTargets("/metrics", (target) => {
  test(
    "counts services and reloads, one that failed among them, and answers while the event loop is frozen",
    async () => {
      await using system = startSystem(target, yaml);
      await system.ready();
      const admin = await system.url();
      const scrape = async () => {
        const response = await fetch(`${admin}/metrics`);
        expect(response.status).toBe(200);
        expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
        const text = await response.text();
        // Every line is a comment or a sample.
        expect(text.split("\n").filter((line) => !/^(#.*|[a-z_]+(\{.*\})? [\d.e+-]+|)$/.test(line))).toEqual(
          [],
        );
        return (sample: string) => {
          const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
          return line === undefined ? undefined : Number(line.slice(sample.length + 1));
        };
      };
      const reload = async (text: string) => {
        system.folder.write("services.yaml", text);
        await fetch(`${admin}/api/v1/reload`, { method: "POST" });
      };

      const ready = await until(scrape, (value) => value('supervisor_services{state="ready"}') === 2);
      expect(ready('supervisor_service_state{service="plain",state="ready"}')).toBe(1);
      expect(ready('supervisor_service_restarts_total{service="plain"}')).toBe(0);
      expect(ready('supervisor_reloads_total{result="failed"}')).toBe(0);
      expect(ready("supervisor_last_reload_successful")).toBe(1);
      expect(ready("supervisor_last_reload_timestamp_seconds")).toBeUndefined();
      expect(ready("supervisor_uptime_seconds")).toBeGreaterThan(0);
      expect(ready("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);

      await fetch(`${admin}/api/v1/services/plain/restart`, { method: "POST" });
      await reload(yaml);
      await reload(yaml.replace("name: measured", "name: measured\nlog: { level: debug }"));
      await reload(yaml.replace("module:", "modul:"));
      const failed = await until(scrape, (value) => value('supervisor_reloads_total{result="failed"}') === 1);
      expect(failed('supervisor_reloads_total{result="unchanged"}')).toBe(1);
      expect(failed('supervisor_reloads_total{result="applied"}')).toBe(1);
      expect(failed("supervisor_last_reload_successful")).toBe(0);
      const at = failed("supervisor_last_reload_timestamp_seconds") ?? 0;
      expect(Math.abs(at - Date.now() / 1_000)).toBeLessThan(30);
      // Deno, which cannot load the code anew beside the old one, needs another generation for it.
      expect(failed('supervisor_service_restarts_total{service="plain"}')).toBeGreaterThan(0);

      void fetch(`${await system.url("culprit")}/fetch`).catch(() => {});
      const frozen = await until(scrape, (value) => value("supervisor_event_loop_frozen") === 1);
      expect(frozen('supervisor_services{state="ready"}')).toBe(2);
      expect(frozen('supervisor_reloads_total{result="failed"}')).toBe(1);
      await system.stop();
    },
    slow,
  );
});
