import { ServiceGroup, withStart, withStarter } from "supervisor";
import { Evening, morning } from "./servers.ts";

const group = new ServiceGroup({ name: "library" });
group.add(withStart(morning), { name: "morning" });
group.add(withStarter(new Evening()), { name: "evening", dependsOn: ["morning"] });
await group.start();
