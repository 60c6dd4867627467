// What a CGI program prints → a Response: the header block, and then the body as fast as it is taken
// [RFC 3875 §6]. The program does not wait for the web server but for its own pipe, as it always did.

import { Fault, isError } from "../../src/base/fault.ts";
import { type CgiResponse, CgiResponseParser } from "../../src/cgi/parse-response.ts";
import { isBodyless } from "../../src/cgi/status.ts";

/** So much of a body may wait for whoever takes it; then the program has to wait too. */
const WAITING_BYTES = 64 * 1024;

export interface OutputOptions {
  /** The program, as the log calls it. */
  readonly name: string;
  /** Longest body. Infinity: any. */
  readonly limitBytes: number;
  /** Called when nobody wants the rest. */
  readonly unwanted: () => void;
}

export class CgiOutput {
  /** Resolves when the header block is whole; rejects with Fault HANDLER where it is none. */
  readonly response: Promise<Response>;
  readonly #options: OutputOptions;
  readonly #parser = new CgiResponseParser();
  readonly #answer = Promise.withResolvers<Response>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #firstBytes = "";
  #bytes = 0;
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(options: OutputOptions) {
    this.#options = options;
    this.response = this.#answer.promise;
    // Whoever asks for it later gets it all the same.
    this.response.catch(() => {});
  }

  /** The header block is whole. */
  get hasHead(): boolean {
    return this.#controller !== undefined || this.#isOver;
  }

  /** Undefined where more may be written at once; else resolves when it may. Nothing follows once it is over. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#isOver || bytes.length === 0) return undefined;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#options.limitBytes) {
      this.fail(new Fault("HANDLER", `${this.#options.name} printed more than cgi.output_limit`));
      return undefined;
    }
    if (this.#controller === undefined) this.#head(Buffer.from(bytes));
    else this.#body(bytes);
    if (this.#isOver || (this.#controller?.desiredSize ?? 1) > 0) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The program has ended. */
  end(): void {
    if (this.#isOver) return;
    if (this.#controller === undefined) {
      const said = this.#firstBytes === "" ? "nothing" : JSON.stringify(this.#firstBytes);
      this.fail(
        new Fault("HANDLER", `${this.#options.name} ended without a whole header block; it printed ${said}`, {
          hint: "Print the headers, then an empty line, then the body.",
        }),
      );
      return;
    }
    this.#over();
    this.#controller.close();
  }

  /** The program failed: an error page, or a body that does not look whole. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#over();
    if (this.#controller === undefined) this.#answer.reject(error);
    else this.#controller.error(error);
    this.#options.unwanted();
  }

  #head(bytes: Buffer): void {
    if (this.#firstBytes.length < 80) this.#firstBytes = (this.#firstBytes + bytes.toString("utf8")).slice(0, 80);
    let head: CgiResponse | undefined;
    try {
      head = this.#parser.push(bytes);
    } catch (error) {
      const reason = isError(error) ? error.message : String(error);
      this.fail(
        new Fault("HANDLER", `${this.#options.name} printed ${reason}`, {
          hint: "Print the headers, then an empty line, then the body.",
        }),
      );
      return;
    }
    if (head !== undefined) this.#begin(head);
  }

  #begin({ status, headers, rest }: CgiResponse): void {
    const source = {
      start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
        this.#controller = controller;
      },
      pull: () => this.#taken(),
      cancel: () => {
        this.#over();
        this.#options.unwanted();
      },
    };
    const body = new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES }));
    try {
      const response = new Response(isBodyless(status) ? null : body, { status, headers });
      if (isBodyless(status)) void body.cancel();
      else if (rest.length > 0) this.#body(rest);
      this.#answer.resolve(response);
    } catch (error) {
      this.#controller = undefined;
      this.fail(new Fault("HANDLER", `${this.#options.name} printed headers that cannot be sent`, { cause: error }));
    }
  }

  #body(bytes: Uint8Array): void {
    // A copy: programs fill their buffers again.
    this.#controller?.enqueue(new Uint8Array(bytes));
  }

  #taken(): void {
    if ((this.#controller?.desiredSize ?? 0) <= 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #over(): void {
    this.#isOver = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
