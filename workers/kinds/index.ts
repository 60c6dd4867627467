// How a module on disk becomes an app. The compiler keeps the table complete: a kind that the
// configuration allows and that is missing here does not build.

import type { InitContext } from "../../src/app/context.ts";
import { TABLE } from "../../src/app/publish-table.ts";
import { Fault } from "../../src/base/fault.ts";
import type { PoolConfig } from "../../src/config/schema.ts";
import type { CgiTools } from "../cgi/app.ts";
import type { Program } from "../program.ts";
import type { App } from "./app.ts";
import { defaultOf, fetchApp, moduleApp, nodeModuleApp } from "./module.ts";

export type ModuleExports = Readonly<Record<string, unknown>>;

/**
 * Rejects with Fault BOOT where the module is not of this kind, and with what its `init` threw. `program`
 * knows what its import has listened with.
 */
export interface Kind {
  (exports: ModuleExports, init: InitContext, program?: Program, tools?: CgiTools): Promise<App>;
  /** The file is no module: it is not imported, and `exports` is empty. */
  readonly isProgram?: boolean;
}

const cgi: Kind = Object.assign(
  async (_exports: ModuleExports, init: InitContext, _program?: Program, tools?: CgiTools): Promise<App> => {
    if (tools === undefined) throw new Fault("BOOT", "a CGI program needs a pool");
    const { cgiApp } = await import("../cgi/app.ts");
    return cgiApp(init, tools);
  },
  { isProgram: true },
);

/** Loaded where it is used. */
const publisher: Kind = async (exports, init) => (await import("../publisher/app.ts")).publisherApp(exports, init);

function publishes(exports: ModuleExports): boolean {
  const exported = defaultOf(exports);
  return typeof exported === "object" && exported !== null && Object.hasOwn(exported, TABLE);
}

const KINDS: Readonly<Record<PoolConfig["kind"], Kind>> = {
  auto: async (exports, init, program) =>
    publishes(exports) ? publisher(exports, init) : moduleApp(exports, init, program),
  fetch: fetchApp,
  node: nodeModuleApp,
  publisher,
  cgi,
};

export function kindNamed(name: string): Kind {
  if (Object.hasOwn(KINDS, name)) return KINDS[name as PoolConfig["kind"]];
  throw new Fault("BOOT", `there is no kind of app named "${name}"`, { hint: `Use ${Object.keys(KINDS).join(", ")}.` });
}
