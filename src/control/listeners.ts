import { messageOf, SupervisorError } from "../core/errors.ts";
import type { Address, AdminPlan } from "../core/plan.ts";
import { formatAddress } from "../core/plan.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AdminServer } from "./admin-server.ts";
import { serveAdmin } from "./admin-server.ts";
import { claimAgain } from "./claim.ts";
import type { ControlServer } from "./control-server.ts";
import { serveControl } from "./control-server.ts";
import type { Entrance } from "./guard.ts";
import type { InstanceFiles } from "./instance-files.ts";
import type { FromOperator } from "./protocol.ts";

export interface ListenersOptions {
  /** Where the control socket goes; undefined: there is none. */
  readonly control: InstanceFiles | undefined;
  readonly admin: AdminPlan | false;
  readonly detectRuntime: () => Promise<Runtime>;
  readonly answer: (request: Request, entrance: Entrance) => Response | Promise<Response>;
  /** Main, that wants to know how it went. */
  readonly tell: (message: FromOperator) => void;
}

/** Where an operator reaches the operator's plane: the control socket, and the admin listener. */
export interface Listeners {
  /** Where the admin listener is by now: what was really bound. Undefined while there is none. */
  readonly address: Address | undefined;
  /** Opens both, and tells main how it went. Never rejects. */
  open(): Promise<void>;
  /** The new address is bound before the old one is left: when it cannot be, nothing has changed. Never rejects. */
  move(admin: AdminPlan | false): Promise<void>;
  /** Makes the control socket again when its file has gone, as by a cleaner of old files. Never rejects. */
  look(): Promise<void>;
  /** Lets answers that are being written end; never hangs. */
  close(): Promise<void>;
}

export function createListeners(options: ListenersOptions): Listeners {
  const { answer, tell } = options;
  let { admin } = options;
  let control: ControlServer | undefined;
  let server: AdminServer | undefined;
  let isClosed = false;

  /** Services run without it, too: a container may have no folder that can be written to. */
  function openControl(runtime: Runtime): void {
    if (!options.control) return;
    try {
      control = serveControl(runtime, options.control, (request) => answer(request, { tag: "socket" }));
    } catch (error) {
      tell({ type: "missing", ...problemOf(error) });
    }
  }

  /** Whether it went well. */
  async function listen(next: AdminPlan | false): Promise<boolean> {
    try {
      server = next ? await serve(await options.detectRuntime(), next) : undefined;
      tell({ type: "listening", address: server?.address });
      return true;
    } catch (error) {
      tell({ type: "notListening", ...problemOf(error) });
      return false;
    }
  }

  function serve(runtime: Runtime, next: AdminPlan): Promise<AdminServer> {
    const entrance = (address: Address): Entrance => {
      // Read for each request: a reload may bring another token.
      const { token, readOnly = false } = admin || {};
      return { tag: "admin", address, readOnly, ...(token === undefined ? {} : { token }) };
    };
    return serveAdmin(runtime, next.listen, (request, address) => answer(request, entrance(address)));
  }

  return {
    get address() {
      return server?.address;
    },
    async open() {
      openControl(await options.detectRuntime());
      await listen(admin);
    },
    async move(next) {
      const stays = next && admin && formatAddress(next.listen) === formatAddress(admin.listen);
      const old = server;
      if (!stays && !(await listen(next))) return;
      admin = next;
      if (stays) tell({ type: "listening", address: old?.address });
      else await old?.close();
    },
    async look() {
      const { control: files } = options;
      if (!files || !control || control.isThere || isClosed) return;
      // Who has claimed the name since then keeps it.
      if (!claimAgain(files)) return;
      const lost = control;
      control = undefined;
      await lost.close();
      if (!isClosed) openControl(await options.detectRuntime());
    },
    async close() {
      isClosed = true;
      await Promise.all([control?.close(), server?.close()]);
    },
  };
}

function problemOf(error: unknown): Pick<SupervisorError, "code" | "message" | "hint"> {
  const { code, hint } = error instanceof SupervisorError ? error : unavailable;
  return { code, message: messageOf(error), hint };
}

const unavailable = { code: "ADDRESS_UNAVAILABLE", hint: "See the message of the runtime." } as const;
