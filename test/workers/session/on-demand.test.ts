import { Params } from "../../../src/fastcgi/name-values.ts";
import { SessionsOnDemand } from "../../../workers/session/on-demand.ts";
import type { SessionRequest } from "../../../workers/session/request-session.ts";
import { sessionOptions } from "../../support/session-options.ts";

describe("sessions that are loaded with the first use", () => {
  const request = { params: new Params(Buffer.alloc(0)) } as SessionRequest;

  function sessions(options: ReturnType<typeof sessionOptions>): SessionsOnDemand {
    const log = (): void => {};
    const where = { pool: "test", mount: "", from: "", processes: 1, cookieSecrets: [], poolState: undefined };
    return new SessionsOnDemand({ ...where, options, log });
  }

  it("are loaded once by requests that come at once, and again where they could not be", async () => {
    let loads = 0;
    const options = Object.defineProperty({ ...sessionOptions() }, "cookie", {
      get() {
        loads++;
        if (loads === 1) throw new Error("too many open files");
        return undefined;
      },
    });
    const found = sessions(options);
    const failed = await Promise.allSettled([found.of(request).peek(), found.of(request).peek()]);
    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(loads).toBe(1);
    expect(await Promise.all([found.of(request).peek(), found.of(request).peek()])).toEqual([undefined, undefined]);
    expect(loads).toBe(2);
    await found.close();
  });
});
