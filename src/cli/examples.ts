// What `holdfast COMMAND --help` shows as examples. A test parses every line.

export interface Example {
  readonly line: string;
  /** What it is for; a sentence without a full stop. */
  readonly does: string;
}

/** Command → its examples, the usual one first. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  serve: [
    { line: "holdfast serve site", does: "the handlers, pages and files of a folder at http://127.0.0.1:8000/" },
    { line: "holdfast serve app.ts --port 0", does: "one app, at any free port" },
    { line: "holdfast serve site --front builtin --no-watch", does: "without Apache, and without reloading" },
  ],
  start: [
    { line: "holdfast start", does: "the pools of /etc/holdfast/holdfast.toml, else of ./holdfast.toml" },
    { line: "holdfast start -c site.toml", does: "the pools of another file" },
    { line: "holdfast start --pool www", does: "one of them, for a service of its own" },
  ],
  check: [
    { line: "holdfast check", does: "every mistake in the configuration, with file and line" },
    { line: "holdfast check --print", does: "the configuration with every default filled in" },
    { line: "holdfast check --types", does: "the types of every handler and page, at their own lines" },
    { line: "holdfast check --types site", does: "those of one folder" },
    { line: "holdfast check --schema > holdfast.schema.json", does: "for an editor that completes TOML" },
  ],
  status: [
    { line: "holdfast status", does: "a table of the running pools" },
    { line: "holdfast status --watch", does: "the same as a live screen" },
    { line: "holdfast status --json", does: "everything that is known, for a program" },
    { line: "holdfast status --metrics", does: "the metrics of all processes, for Prometheus" },
  ],
  ping: [
    { line: "holdfast ping www", does: "whether the main thread of a pool answers, and how fast" },
    { line: "holdfast ping", does: "all of them, as a health check: exit code 69 if one is silent" },
  ],
  reload: [
    { line: "holdfast reload", does: "new code and new configuration for every pool, without losing a request" },
    { line: "holdfast reload www", does: "for one pool" },
  ],
  stop: [{ line: "holdfast stop", does: "returns when every open request is answered and everything has ended" }],
  apache: [
    { line: "holdfast apache", does: "what belongs into the virtual host of the pools" },
    { line: "holdfast apache --pool shop --layout prefix", does: "one pool that answers every URL below its mount" },
  ],
  systemd: [
    { line: "holdfast systemd", does: "look at the units" },
    {
      line: "holdfast systemd --write /etc/systemd/system",
      does: "install them; `systemctl daemon-reload` comes next",
    },
    { line: "holdfast systemd --layout pool", does: "a service without root for each pool" },
  ],
  request: [
    { line: "holdfast request /hello.ts?name=x --root site", does: "call a handler of a folder with no server" },
    { line: "holdfast request / -i -d a=1 --app app.ts", does: "post a form to an app, and see the reply's head" },
  ],
  init: [
    { line: "holdfast init mysite", does: "a folder of pages and handlers, and a configuration for it" },
    { line: "holdfast init myapi --template api", does: "a JSON API: a file for each resource" },
  ],
  completion: [
    { line: "holdfast completion bash > /etc/bash_completion.d/holdfast", does: "for every user of bash" },
    { line: "holdfast completion zsh > ~/.zfunc/_holdfast", does: "into a folder of $fpath" },
    { line: "holdfast completion fish > ~/.config/fish/completions/holdfast.fish", does: "for fish" },
  ],
};
