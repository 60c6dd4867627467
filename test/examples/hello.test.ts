import { ask } from "../support/http.ts";
import { launcher } from "../support/launch.ts";
import { example } from "./example.ts";

describe("the hello example", () => {
  const launch = launcher();

  it("counts the requests of its worker, because the worker stays", async () => {
    const running = launch(["serve", example("hello"), "--front", "builtin", "--port", "0", "--threads", "1"]);
    const url = (await running.line(/^ *URL +http/)).trim().split(/\s+/)[1] ?? "";
    expect((await ask(url, "/")).text).toBe("Hello. Worker 1 has answered 1 requests.\n");
    expect((await ask(url, "/")).text).toBe("Hello. Worker 1 has answered 2 requests.\n");
  });
});
