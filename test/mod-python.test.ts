// docs/mod_python.md has an answer in every row: a test and a guide that exist, or a reason.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { split, tableRows } from "./support/markdown.ts";

const TOP = fileURLToPath(new URL("../../", import.meta.url));
const path = "docs/mod_python.md";
const document = { path, ...split(readFileSync(join(TOP, path), "utf8")) };

/** Feature, answer, and what stands behind it. */
const rows = tableRows(document).filter(([first = ""]) => first !== "mod_python" && !/^-+$/.test(first));

/** What mod_python was known for: none of it may be forgotten. */
const FEATURES = [
  ...[
    "PostReadRequest",
    "Trans",
    "HeaderParser",
    "Init",
    "Access",
    "Authen",
    "Authz",
    "Type",
    "Fixup",
    "Log",
    "Cleanup",
  ].map((phase) => `Python${phase}Handler`),
  ...["PythonHandler", "PythonHandlerModule", "PythonConnectionHandler", "PythonInputFilter", "PythonOutputFilter"],
  ...["PythonPath", "PythonInterpreter", "PythonInterpPerDirectory", "PythonAutoReload", "PythonImport", "PythonDebug"],
  ...["PythonEnablePdb", "PythonOptimize", "PythonOption", "internal_redirect", "sendfile", "register_cleanup"],
  ...["headers_in", "headers_out", "subprocess_env", "publisher", "PSP", "Session", "Cookie", "FieldStorage", "wsgi"],
  ...["importer", "cgihandler", "testhandler", "genconfig", "config_tree", "get_basic_auth_pw", "meets_conditions"],
];

describe("the table of mod_python's features", () => {
  it("has a row for each", () => {
    expect(rows.length).toBeGreaterThan(100);
    const features = rows.map(([feature = ""]) => feature).join("\n");
    expect(FEATURES.filter((name) => !features.includes(name))).toEqual([]);
  });

  it("has an answer in every row, and a test of it, unless Apache does it or there is a reason", () => {
    const open = rows.filter(([, answer = "", proof = ""]) => {
      if (answer.trim().length < 8) return true;
      if (proof === "Apache" || proof === "left out") return answer.trim().length < 25;
      return !/^`test\/[^`]+\.ts`(?:, `test\/[^`]+\.ts`)*$/.test(proof);
    });
    expect(open).toEqual([]);
    expect(rows.filter(([, , proof]) => proof === "left out").length).toBeLessThan(rows.length / 5);
  });

  it("names tests that are there", () => {
    const named = rows.flatMap(([, , proof = ""]) =>
      [...proof.matchAll(/`(test\/[^`]+)`/g)].map(([, file = ""]) => file),
    );
    expect(named.length).toBeGreaterThan(80);
    expect(named.filter((file) => !existsSync(join(TOP, file)))).toEqual([]);
  });
});
