import type { SealedFile, SealInfo } from "./info.ts";
import type { SealedPackage } from "./packages.ts";

/** The software bill of materials of a sealed executable: CycloneDX 1.6. Holds no time, so that it stays the same. */
export function billOf(info: Omit<SealInfo, "sbom">, ofKit: readonly SealedPackage[]): object {
  const app = { type: "application", "bom-ref": "app", name: info.name, version: info.buildId };
  const { version, commit } = info.supervisor;
  const supervisor = {
    type: "framework",
    "bom-ref": "supervisor",
    name: "supervisor",
    version,
    description: `commit ${commit}`,
  };
  const [name = "", runtimeVersion = ""] = info.runtime.split(" ");
  const runtime = { type: "platform", "bom-ref": "runtime", name, version: runtimeVersion };
  const own = info.packages.map((each) => component(each));
  const inKit = ofKit.map((each) => component(each));
  const files = info.modules.map(fileOf);
  const refs = (list: readonly { readonly "bom-ref": string }[]) => list.map((each) => each["bom-ref"]);
  const components = [supervisor, runtime, ...own, ...inKit, ...files];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(info.buildId)}`,
    version: 1,
    metadata: { component: app },
    components: [...new Map(components.map((each) => [each["bom-ref"], each])).values()],
    dependencies: [
      { ref: "app", dependsOn: ["supervisor", "runtime", ...refs(own), ...refs(files)] },
      { ref: "supervisor", dependsOn: ["runtime", ...refs(inKit)] },
    ],
  };
}

function component({ name, version, license }: SealedPackage) {
  const [group, plain] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const purl = `pkg:npm/${group === undefined ? "" : `${group.replace("@", "%40")}/`}${plain}${version === undefined ? "" : `@${encodeURIComponent(version)}`}`;
  return {
    type: "library",
    "bom-ref": purl,
    ...(group === undefined ? {} : { group }),
    name: plain ?? name,
    ...(version === undefined ? {} : { version }),
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
    purl,
  };
}

/** `SEE LICENSE IN file` and the like are no expressions of SPDX. */
function licenseOf(license: string): object {
  const isExpression = /^[\w.+()-]+( (AND|OR|WITH) [\w.+()-]+)*$/.test(license);
  return isExpression ? { expression: license } : { license: { name: license } };
}

function fileOf({ path, sha256 }: SealedFile) {
  return {
    type: "file",
    "bom-ref": `file:${path}`,
    name: path,
    hashes: [{ alg: "SHA-256", content: sha256 }],
  };
}

/** A name-based one (version 8), made of the build id alone. */
function uuidOf(buildId: string): string {
  const digits = buildId.padEnd(32, "0");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
