// The container files, as far as they can be judged without a container engine: that their parts agree
// with one another and with the tree, and that Apache and Holdfast meet under their configurations.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findApache } from "../../src/front/find-apache.ts";
import { describeWithApache, freePorts, openFolder, removeFolders } from "../support/apache.ts";
import { eventually } from "../support/eventually.ts";
import { ask } from "../support/http.ts";
import { CHECKOUT } from "../support/installed.ts";
import { launcher } from "../support/launch.ts";
import { unprivileged } from "../support/user.ts";

const read = (path: string): string => readFileSync(join(CHECKOUT, path), "utf8");

interface Stage {
  readonly name: string;
  readonly from: string;
  /** `[instruction, rest]`, continued lines joined. */
  readonly steps: readonly (readonly [string, string])[];
}

function stages(): readonly Stage[] {
  const lines = read("Dockerfile")
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const found: { name: string; from: string; steps: (readonly [string, string])[] }[] = [];
  for (const line of lines) {
    const [, instruction = "", rest = ""] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? [];
    const from = /^(\S+) AS (\S+)$/.exec(rest);
    if (instruction === "FROM" && from !== null) found.push({ name: from[2] ?? "", from: from[1] ?? "", steps: [] });
    else found.at(-1)?.steps.push([instruction, rest]);
  }
  return found;
}

describe("the Dockerfile", () => {
  const all = stages();
  const stage = (name: string): Stage => {
    const found = all.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no stage ${name}`);
    return found;
  };
  const step = (name: string, instruction: string): string | undefined =>
    stage(name).steps.find(([found]) => found === instruction)?.[1];

  it("builds on BASE alone, and ends with what is to run", () => {
    expect(read("Dockerfile")).toMatch(/^(?:#.*\n)*ARG BASE=\S+\n/);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's
    const known = ["${BASE}", ...all.map(({ name }) => name)];
    expect(all.filter(({ from }) => !known.includes(from))).toEqual([]);
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(["build", "test", "runtime"]));
    expect(all.at(-1)?.name).toBe("runtime");
  });

  it("copies what is there and is not left out of the build", () => {
    const left = read(".dockerignore")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    const copied = all
      .flatMap(({ steps }) => steps)
      .filter(([instruction, rest]) => instruction === "COPY" && !rest.startsWith("--from="))
      .flatMap(([, rest]) => rest.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) {
      expect([path, existsSync(join(CHECKOUT, path))]).toEqual([path, true]);
      expect(left).not.toContain(path.replace(/\/$/, ""));
    }
    expect(left).toEqual(expect.arrayContaining([".git", ".env*", "**/node_modules", "dist"]));
  });

  it("fetches npm's packages before it copies the sources, so that these do not make it fetch them again", () => {
    const steps = stage("build").steps.map(([instruction, rest]) => `${instruction} ${rest}`);
    const at = (text: string): number => steps.findIndex((line) => line.startsWith(text));
    expect(at("COPY package.json package-lock.json")).toBeLessThan(at("RUN npm ci"));
    expect(at("RUN npm ci")).toBeLessThan(at("COPY . ."));
  });

  it("runs as nobody's root, below an init, drains at TERM and tells whether it is well", () => {
    expect(step("program", "USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(step("program", "STOPSIGNAL")).toBe("SIGTERM");
    expect(step("program", "HEALTHCHECK")).toMatch(/ CMD \["holdfast", "ping"\]$/);
    expect(step("program", "ENTRYPOINT")).toBe('["/usr/bin/tini", "--", "holdfast"]');
    expect(step("program", "CMD")).toBe('["start"]');
  });

  it("holds no secret", () => {
    const settings = all.flatMap(({ steps }) => steps).filter(([name]) => name === "ARG" || name === "ENV");
    expect(settings.length).toBeGreaterThan(0);
    expect(settings.filter(([, rest]) => /TOKEN|PASSWORD|SECRET|KEY/i.test(rest))).toEqual([]);
  });

  describe("and compose.yaml", () => {
    const compose = read("compose.yaml");

    it("agree on the stage, on who owns the sockets, and on who may use them", () => {
      const [, target = ""] = /target: (\w+)/.exec(compose) ?? [];
      expect(all.map(({ name }) => name)).toContain(target);
      const [uid, gid] = step("program", "USER")?.split(":") ?? [];
      expect(compose).toContain(`o: "size=1m,uid=${uid},gid=${gid},mode=0750"`);
      // Apache's own user, who is in that group.
      expect(compose).toMatch(new RegExp(`user: "\\d+:${gid}"`));
    });

    it("mount what is there", () => {
      const mounted = [...compose.matchAll(/^ +- \.\/(\S+?):/gm)].map(([, path = ""]) => path);
      expect(mounted.length).toBeGreaterThan(2);
      expect(mounted.filter((path) => !existsSync(join(CHECKOUT, path)))).toEqual([]);
    });

    it("give a stop longer than Holdfast takes for it", () => {
      const seconds = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
      const holdfast = compose.slice(compose.indexOf("\n  holdfast:"), compose.indexOf("\n  database:"));
      expect(seconds(holdfast, /stop_grace_period: (\d+)s/)).toBeGreaterThan(
        seconds(read("conf/docker/holdfast.toml"), /stop_timeout = "(\d+)s"/),
      );
    });

    it("keep the password of the database out of the file", () => {
      const passwords = [...compose.matchAll(/PASSWORD: "(.*)"|:\/\/\w+:(.*?)@/g)].map(([, a, b]) => a ?? b);
      expect(passwords).toHaveLength(2);
      for (const password of passwords) expect(password).toMatch(/^\$\{POSTGRES_PASSWORD:\?[^}]+\}$/);
    });
  });
});

describeWithApache("Apache and Holdfast with the configurations of the containers", () => {
  const launch = launcher();
  afterEach(removeFolders);

  it("meet at the socket, and Apache serves the plain files", async () => {
    const search = await findApache();
    if (search.kind === "missing") throw new Error(search.reason);
    const folder = openFolder();
    const site = join(CHECKOUT, "examples/guestbook");
    const moved = (text: string): string => text.replaceAll("/run/holdfast", folder).replaceAll("/srv/www", site);

    const root = process.getuid?.() === 0;
    mkdirSync(join(folder, "pool.d"));
    // Root stands for the container's user here, and everybody for Apache's group.
    const pool = moved(read("conf/docker/pool.d/www.toml")).replace('"0660"', '"0666"');
    writeFileSync(join(folder, "pool.d/www.toml"), `${pool}${root ? "allow_root = true\n" : ""}`);
    writeFileSync(join(folder, "holdfast.toml"), moved(read("conf/docker/holdfast.toml")));
    const holdfast = launch(["start", "-c", join(folder, "holdfast.toml")], {
      env: { DATABASE_URL: undefined, GUESTBOOK_DB: join(folder, "guestbook.db") },
    });
    await holdfast.line(/"serving"/);

    const [port = 0] = await freePorts(1);
    const { path, modulesFolder } = search.program;
    mkdirSync(join(folder, "conf"));
    mkdirSync(join(folder, "logs"));
    chmodSync(join(folder, "logs"), 0o777);
    symlinkSync(modulesFolder, join(folder, "modules"));
    writeFileSync(join(folder, "conf/mime.types"), "text/css css\nimage/svg+xml svg\n");
    writeFileSync(join(folder, "conf/httpd-pool.conf"), moved(read("conf/docker/httpd-pool.conf")));
    writeFileSync(
      join(folder, "conf/httpd.conf"),
      read("conf/docker/httpd.conf")
        .replace("/usr/local/apache2", folder)
        .replace("Listen 8080", `Listen 127.0.0.1:${port}`)
        // They belong to the test, and Apache may not open them again.
        .replace(/\/proc\/self\/fd\/\d/g, "logs/log"),
    );
    const [program, ...args] = unprivileged([path, "-f", join(folder, "conf/httpd.conf"), "-D", "FOREGROUND"]);
    const apache = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    const gone = once(apache, "exit");
    try {
      const url = `http://127.0.0.1:${port}`;
      await eventually(() =>
        ask(url, "/style.css").then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
      expect((await ask(url, "/")).text).toContain("Who answered");
      expect((await ask(url, "/_book.ts")).status).toBe(403);
      expect(readFileSync(join(folder, "logs/log"), "utf8")).toMatch(/"GET \/ HTTP\/1\.1" 200 \d+ \S{24,}$/m);
    } finally {
      apache.kill("SIGTERM");
      await gone;
    }
    holdfast.signal("SIGTERM");
    expect(await holdfast.finished).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, "www.sock"))).toBe(false);
  });
});
