// Behind both fronts of `serve` a handler sees the same request and a client the same reply.

import { fileURLToPath } from "node:url";
import { describeWithApache } from "../support/apache.ts";
import { type Answer, type Ask, ask } from "../support/http.ts";
import { type Launched, launcher } from "../support/launch.ts";

const ROOT = fileURLToPath(new URL("../../../test/fixtures/stack", import.meta.url));

/** Variables that say which server it is, or are Apache's alone. */
const OF_THE_SERVER =
  /^(?:SERVER_(?:SOFTWARE|SIGNATURE|ADMIN|PORT)|HTTP_HOST|REMOTE_PORT|CONTEXT_\w+|PATH|LD_LIBRARY_PATH|ap_\w+)$/;
/** Headers of one connection, or of the moment. */
const OF_THE_CONNECTION = ["connection", "keep-alive", "date", "server", "transfer-encoding", "accept-ranges"];

const REQUESTS: readonly (readonly [title: string, path: string, options?: Ask])[] = [
  ["a query", "/variables.ts?a=b%20c&d"],
  ["PATH_INFO", "/variables.ts/p%20q/r?x"],
  ["a URL without extension", "/variables/p"],
  ["dots", "/x/../variables.ts?y"],
  ["doubled slashes", "//variables.ts//p//q?x=//y"],
  ["doubled slashes before dots", "//x//../variables.ts"],
  ["a doubled slash that dots do not take away", "/x/y//../variables.ts"],
  ["nothing but slashes", "//"],
  ["a backslash", "/x\\..\\variables.ts"],
  ["bytes beyond ASCII", "/variables.ts/%C3%BC"],
  [
    "headers",
    "/variables.ts",
    { headers: { Cookie: "a=b", "X-Foo-Bar": "1", X_Bad: "2", Proxy: "3", Authorization: "Basic x", Accept: "*/*" } },
  ],
  ["a body", "/variables.ts", { method: "POST", body: "12345", headers: { "Content-Type": "text/plain" } }],
  ["another method", "/variables.ts", { method: "PROPFIND" }],
  ["HEAD", "/kinds.ts?as=tagged", { method: "HEAD" }],
  ["a redirect", "/kinds.ts?as=redirect"],
  ["cookies", "/kinds.ts?as=cookies"],
  ["a tag", "/kinds.ts?as=tagged"],
  ["a tag that the client has", "/kinds.ts?as=tagged", { headers: { "If-None-Match": '"v1"' } }],
  ["no content", "/kinds.ts?as=empty"],
  ["a method that is not allowed", "/methods.ts", { method: "PUT", body: "x" }],
  ["what is not there", "/missing"],
  ["an encoded slash", "/variables%2fx"],
  ["a path above the root", "/../x"],
];

describeWithApache("both fronts", () => {
  const launch = launcher();

  async function serve(front: string): Promise<string> {
    const launched: Launched = launch(["serve", ROOT, "--front", front, "--port", "0", "--threads", "1", "--no-watch"]);
    await launched.line(/Ctrl-C/);
    return /URL +(http:\S+)\//.exec(launched.output)?.[1] ?? "";
  }

  it("are alike", async () => {
    const [apache, builtin] = await Promise.all([serve("apache"), serve("builtin")]);
    for (const [title, path, options] of REQUESTS) {
      const [one, other] = await Promise.all([ask(apache, path, options), ask(builtin, path, options)]);
      expect([title, seen(other)]).toEqual([title, seen(one)]);
    }
  });
});

function seen({ status, headers, text }: Answer): unknown {
  // Pages of Apache's own look different.
  if (status >= 400 && status !== 405) return status;
  if (text.startsWith('{"env":')) return variables(text);
  const shown = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name));
  return { status, headers: Object.fromEntries(shown), text };
}

function variables(text: string): unknown {
  const { env, ...rest } = JSON.parse(text);
  // An empty PATH_INFO is as good as none [RFC 3875 §4.1.5].
  const shown = Object.entries(env).filter(
    ([name, value]) => !OF_THE_SERVER.test(name) && `${name}=${value}` !== "PATH_INFO=",
  );
  return { ...rest, env: Object.fromEntries(shown) };
}
