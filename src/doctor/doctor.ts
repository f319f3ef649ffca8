import { comparePositions } from "../core/render-problems.ts";
import { checkCommonjs } from "./check-commonjs.ts";
import { checkExtensions } from "./check-extensions.ts";
import { checkKubernetes } from "./check-kubernetes.ts";
import { checkNativeAddons } from "./check-native-addons.ts";
import { checkOpenFiles } from "./check-open-files.ts";
import { checkPackageType } from "./check-package-type.ts";
import { checkPackages } from "./check-packages.ts";
import { checkPermissions } from "./check-permissions.ts";
import { checkPorts } from "./check-ports.ts";
import { checkRuntimeApis } from "./check-runtime-apis.ts";
import { checkSyntax } from "./check-syntax.ts";
import { checkSystemd } from "./check-systemd.ts";
import { checkTsconfigPaths } from "./check-tsconfig-paths.ts";
import { checkTypeImports } from "./check-type-imports.ts";
import type { Finding } from "./finding.ts";
import type { Check, Subject } from "./subject.ts";

/** Everything that is looked for. A check is a file and a line here. */
const checks: readonly Check[] = [
  checkSyntax,
  checkExtensions,
  checkTypeImports,
  checkTsconfigPaths,
  checkPackageType,
  checkPackages,
  checkNativeAddons,
  checkCommonjs,
  checkRuntimeApis,
  checkPorts,
  checkPermissions,
  checkSystemd,
  checkKubernetes,
  checkOpenFiles,
];

/** Looks at everything and changes nothing. Findings come file by file, those without a place at the end. */
export async function examine(subject: Subject): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => check(subject)));
  return found.flat().sort((a, b) => comparePositions(a.position, b.position));
}
