import { poolEnvironment } from "../../src/supervisor/environment.ts";

const OURS = {
  PATH: "/bin",
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  LANG: "C.UTF-8",
  TZ: "UTC",
  NODE_ENV: "production",
  NODE_OPTIONS: "--require=./evil.js",
  NODE_CHANNEL_FD: "3",
  LD_PRELOAD: "evil.so",
  UV_THREADPOOL_SIZE: "1",
  npm_config_registry: "http://localhost",
  AWS_SECRET: "s3cret",
  NOTIFY_SOCKET: "/run/systemd/notify",
  WATCHDOG_USEC: "30000000",
  LISTEN_FDS: "1",
  HOLDFAST_SUCCESSION: "4",
  GONE: undefined,
};
const pool = { clearEnv: true, env: {} };

describe("the environment of a pool process", () => {
  it("is a short list of ours when clear_env is on", () => {
    expect(Object.keys(poolEnvironment(pool, OURS, undefined))).toEqual([
      "PATH",
      "HOME",
      "USER",
      "LOGNAME",
      "LANG",
      "TZ",
      "NODE_ENV",
    ]);
  });

  it("is ours when clear_env is off, without what is for us only or would change how Node or the loader starts", () => {
    const names = Object.keys(poolEnvironment({ ...pool, clearEnv: false }, OURS, undefined));
    expect(names).toContain("AWS_SECRET");
    expect(names).toEqual(["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "NODE_ENV", "AWS_SECRET"]);
  });

  it("holds what the configuration sets, whatever ours says", () => {
    const env = { NODE_ENV: "test", DATABASE_URL: "postgres://", NODE_OPTIONS: "--trace-warnings" };
    expect(poolEnvironment({ ...pool, env }, OURS, undefined)).toMatchObject(env);
  });

  it("names the pool's own user and home, not those of who started it", () => {
    const identity = { uid: 33, gid: 33, groups: undefined, name: "www-data", home: "/var/www" };
    expect(poolEnvironment(pool, OURS, identity)).toMatchObject({
      USER: "www-data",
      LOGNAME: "www-data",
      HOME: "/var/www",
    });
    const nobody = poolEnvironment(pool, OURS, { uid: 4711, gid: 4711, groups: [], name: undefined, home: undefined });
    expect(nobody).toMatchObject({ USER: "4711" });
    expect("HOME" in nobody).toBe(false);
  });
});
