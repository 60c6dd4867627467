import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Started, type StartedOptions, startedPrograms } from "../support/started.ts";

// Writes down what is loaded, in which process and thread, and who loaded it first of all.
const WITNESS = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { isMainThread } from "node:worker_threads";
const list = new URL("./loaded.txt", import.meta.url);
const who = isMainThread ? (process.connected ? "pool" : "supervisor") : "worker";
registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(list, who + " " + url + "\\n");
    return nextLoad(url, context);
  },
});
`;

const DIST = new URL("../../", import.meta.url).href;

describe("what a process or a thread does not need is not loaded", () => {
  const started = startedPrograms();

  /** What each of them had loaded when `path` was answered: files of ours by their path in dist, all else as imported. */
  async function loadedBy(
    program: Started,
    options: StartedOptions = {},
    path = "/",
  ): Promise<Record<"supervisor" | "pool" | "worker", string[]>> {
    program.dir.write("witness.mjs", WITNESS);
    const witness = pathToFileURL(join(program.dir.path, "witness.mjs")).href;
    const NODE_OPTIONS = `--import=${witness}`;
    program.configure({ more: `[pools.www.env]\nNODE_OPTIONS = "${NODE_OPTIONS}"`, ...options });
    await program.start({ NODE_OPTIONS });
    expect((await program.get(path)).body.toString()).toBe("hello");
    const lines = new Set(readFileSync(join(program.dir.path, "loaded.txt"), "utf8").trim().split("\n"));
    const of = (who: string): string[] =>
      [...lines]
        .filter((line) => line.startsWith(`${who} `))
        .map((line) => line.slice(who.length + 1))
        .map((url) => (url.startsWith(DIST) ? url.slice(DIST.length) : (/node_modules\/(.+)$/.exec(url)?.[1] ?? url)));
    return { supervisor: of("supervisor"), pool: of("pool"), worker: of("worker") };
  }

  const unneeded = (loaded: readonly string[], patterns: readonly RegExp[]): string[] =>
    loaded.filter((name) => patterns.some((pattern) => pattern.test(name)));
  const oursOf = (loaded: readonly string[]): string[] => loaded.filter((name) => /^(?:src|workers)\//.test(name));
  const packagesOf = (loaded: readonly string[]): string[] => {
    const others = loaded.filter((name) => !/^(?:src|workers)\/|^[a-z]+:/.test(name));
    return [...new Set(others.map((name) => name.slice(0, name.indexOf("/"))))].sort();
  };

  it("for a handler that looks at nothing, in a supervisor, a pool process and its worker", async () => {
    const program = started();
    program.app('export default () => new Response("hello");');
    const { supervisor, pool, worker } = await loadedBy(program);

    expect(unneeded(supervisor, [/^node:https?$/, /^src\/front\/(?:http|apache)\.js$/])).toEqual([]);
    expect(
      unneeded(pool, [/^(?:chokidar|node-fastcgi|zod|smol-toml|commander|oxc-transform)\//, /^node:https?$/]),
    ).toEqual([]);
    const rare = [
      /^workers\/(?:middleware|publisher|cgi)\//,
      /^workers\/forms\/(?!request-uploads)/,
      /^workers\/session\/(?!on-demand)/,
      /^workers\/node\/(?!shapes|fastify)/,
      /^workers\/(?:root-site|files|static|file-response|send-file|cache|locks|error-page|captured|rendered)\b/,
      /^src\/pages\//,
    ];
    expect(unneeded(worker, rare)).toEqual([]);
    expect(packagesOf(worker)).toEqual(["cookie", "piscina"]);

    // Each costs a quarter of a millisecond, in every worker and every pool of a host. A new one may have its reason.
    expect(oursOf(worker).length).toBeLessThanOrEqual(76);
    expect(oursOf(pool).length).toBeLessThanOrEqual(150);
  });
});
