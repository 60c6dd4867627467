import { editorLink } from "../../src/base/editor-link.ts";
import { editorTemplate } from "../../src/cli/editor.ts";

describe("a link to the editor", () => {
  it.each([
    [{ EDITOR: "code --wait" }, "vscode://file/srv/a%20b.ts:3:7"],
    [{ EDITOR: "vim", VISUAL: "/usr/bin/codium" }, "vscodium://file/srv/a%20b.ts:3:7"],
    [{ EDITOR: "code", HOLDFAST_EDITOR: "idea" }, "idea://open?file=/srv/a%20b.ts&line=3&column=7"],
    [{ HOLDFAST_EDITOR: "x-edit:open?f={file}&at={line}" }, "x-edit:open?f=/srv/a%20b.ts&at=3"],
    [{ EDITOR: "vim" }, undefined],
    [{ HOLDFAST_EDITOR: "javascript:alert(1)" }, undefined],
    [{}, undefined],
  ])("follows from %j", (env: Record<string, string>, link) => {
    const template = editorTemplate(env);
    const place = { file: "/srv/a b.ts", line: 3, column: 7 };
    expect(template === undefined ? undefined : editorLink(template, place)).toBe(link);
  });
});
