// Which editor the author uses, as far as the environment tells, and how a link opens a file in it.

/** Program → what its URL handler takes. An editor that runs in a terminal has none. */
const TEMPLATES: ReadonlyMap<string, string> = new Map([
  ["code", "vscode://file{file}:{line}:{column}"],
  ["code-insiders", "vscode-insiders://file{file}:{line}:{column}"],
  ["codium", "vscodium://file{file}:{line}:{column}"],
  ["cursor", "cursor://file{file}:{line}:{column}"],
  ["windsurf", "windsurf://file{file}:{line}:{column}"],
  ["zed", "zed://file{file}:{line}:{column}"],
  ["idea", "idea://open?file={file}&line={line}&column={column}"],
  ["webstorm", "webstorm://open?file={file}&line={line}&column={column}"],
  ["subl", "subl://open?url=file://{file}&line={line}&column={column}"],
]);

/** What HOLDFAST_EDITOR says (a program or a URL with {file}), else the program of VISUAL or EDITOR; undefined: none is known. */
export function editorTemplate(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { HOLDFAST_EDITOR: own = "", VISUAL = "", EDITOR = "" } = env;
  if (/^[a-z][a-z0-9+.-]*:.*\{file\}/i.test(own)) return own;
  for (const command of [own, VISUAL, EDITOR]) {
    const [program = ""] = command.trim().split(/\s+/);
    const template = TEMPLATES.get(program.split("/").at(-1) ?? "");
    if (template !== undefined) return template;
  }
  return undefined;
}
