// Chromium without a window, driven over its DevTools protocol by two pipes: what a page shows, what it
// complains about, and a picture of it. Its profile is a folder that is removed with it.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { skip } from "./skip.ts";

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const program = PROGRAMS.find((path) => existsSync(path));

/** `describe`, or a skip that says why. */
export function describeWithBrowser(title: string, body: () => void): void {
  if (program !== undefined) describe(title, body);
  else skip(title, "no Chromium is installed (apt-get install chromium)", body);
}

/** Of every answer. */
const ANSWER_MS = 15_000;

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: "light" | "dark";
}

export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  #session: string | undefined;
  #next = 1;
  #text = "";
  #loaded = () => {};
  /** Errors, exceptions and refusals of the page's policy. */
  readonly complaints: string[] = [];

  private constructor(path: string) {
    this.#profile = mkdtempSync(join(tmpdir(), "holdfast-browser-"));
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    const quiet = [
      "--disable-background-networking",
      "--disable-sync",
      "--disable-component-update",
      "--disable-extensions",
    ];
    this.#child = spawn(
      path,
      [...flags, ...quiet, "--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "about:blank"],
      {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
        env: { ...process.env, HOME: this.#profile },
      },
    );
    this.#ended = new Promise((resolve) => {
      this.#child.on("exit", () => resolve());
    });
    const from = this.#child.stdio[4] as Readable;
    from.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    // Its end is told by "exit".
    from.on("error", () => {});
    (this.#child.stdio[3] as Writable).on("error", () => {});
  }

  static async start(): Promise<Browser> {
    if (program === undefined) throw new Error("no Chromium");
    const browser = new Browser(program);
    try {
      const { targetId } = await browser.#ask<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
      const attached = await browser.#ask<{ sessionId: string }>("Target.attachToTarget", { targetId, flatten: true });
      browser.#session = attached.sessionId;
      for (const domain of ["Page", "Runtime", "Log"]) await browser.#ask(`${domain}.enable`);
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  async view({ width, height, scheme }: View): Promise<void> {
    await this.#ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await this.#ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  }

  /** Resolves when the page and all that belongs to it is loaded. */
  async open(url: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#loaded = resolve;
    const late = setTimeout(() => reject(new Error(`${url} was not loaded within ${ANSWER_MS} ms`)), ANSWER_MS);
    await this.#ask("Page.navigate", { url });
    await promise.finally(() => clearTimeout(late));
  }

  /** The value of a JavaScript expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#ask<{ result: { value: T }; exceptionDetails?: { text: string } }>(
      "Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true },
    );
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }

  /** The whole page as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#ask<{ data: string }>("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data, "base64");
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #ask<T>(method: string, params: object = {}): Promise<T> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#pending.set(id, { resolve: resolve as (value: never) => void, reject });
    const message = { id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) };
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const late = setTimeout(() => reject(new Error(`${method} was not answered within ${ANSWER_MS} ms`)), ANSWER_MS);
    return promise.finally(() => {
      clearTimeout(late);
      this.#pending.delete(id);
    });
  }

  #receive(text: string): void {
    const messages = (this.#text + text).split("\0");
    this.#text = messages.pop() ?? "";
    for (const message of messages) this.#message(JSON.parse(message));
  }

  #message(message: {
    id?: number;
    result?: unknown;
    error?: { message: string };
    method?: string;
    params?: never;
  }): void {
    if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      if (message.error === undefined) pending?.resolve(message.result as never);
      else pending?.reject(new Error(message.error.message));
    } else if (message.method === "Page.loadEventFired") {
      this.#loaded();
    } else if (message.method === "Runtime.exceptionThrown") {
      this.complaints.push(JSON.stringify(message.params));
    } else if (message.method === "Log.entryAdded") {
      const { entry } = message.params as unknown as { entry: { level: string; text: string; url?: string } };
      if (entry.level === "error") this.complaints.push(`${entry.text} ${entry.url ?? ""}`);
    }
  }
}
