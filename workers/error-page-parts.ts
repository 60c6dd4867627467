// What the error page brings beside its text: its style, and the script of its one button. It has no other:
// the page's policy names the hash of this one.

import { createHash } from "node:crypto";

/** Without it, or where the browser knows no clipboard, the text can be marked and copied by hand. */
export const COPY_SCRIPT = `
const button = document.getElementById("copy");
const text = document.getElementById("text");
button.hidden = false;
button.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(text.value);
    button.textContent = "Copied";
  } catch {
    text.hidden = false;
    text.focus();
    text.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl-C";
  }
});
`;

const SCRIPT_HASH = `'sha256-${createHash("sha256").update(COPY_SCRIPT).digest("base64")}'`;

/** `live`: the page may also reload itself, by a script of the pool's. */
export function errorPagePolicy(live: boolean): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${SCRIPT_HASH}`;
  return live ? `${policy} 'self'; connect-src 'self'` : policy;
}

export const STYLE = `
:root{color-scheme:light dark;--ink:#1d2330;--soft:#5c6577;--paper:#f6f7f9;--card:#fff;--line:#dde1e8;--red:#b3261e;--mark:#fdecea}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--paper:#12151b;--card:#1a1f28;--line:#2c3440;--red:#ff8a80;--mark:#3a2023}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);border-top:4px solid var(--red)}
header,main,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2rem}
main{padding-top:1.25rem}
header p{margin:0;color:var(--soft)}
h1{margin:.25rem 0 1rem;font-size:1.5rem;line-height:1.3;color:var(--red);overflow-wrap:anywhere;white-space:pre-wrap}
h2{font-size:1rem;margin:1.5rem 0 .5rem;overflow-wrap:anywhere}
header .hint{color:var(--ink);margin-bottom:1rem}
.place{margin:0 0 .5rem;font:13px/1.5 ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
a{color:inherit}
button{font:inherit;font-size:14px;padding:.25rem .75rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;cursor:pointer}
button:hover{border-color:var(--soft)}
textarea{display:block;width:100%;height:12rem;margin-top:.75rem;font:13px/1.5 ui-monospace,monospace;color:var(--ink);background:var(--card);border:1px solid var(--line)}
textarea[hidden]{display:none}
pre,ol{font:13px/1.6 ui-monospace,monospace;background:var(--card);border:1px solid var(--line);border-radius:6px;overflow-x:auto}
ol{margin:0 0 1rem;padding:.5rem 0;list-style:none}
li{display:flex;width:max-content;min-width:100%;white-space:pre;padding-right:1rem}
li::before{content:attr(value);flex:none;width:3.5rem;padding-right:1rem;text-align:right;color:var(--soft)}
.marked{background:var(--mark)}
.marked::before{color:var(--red);font-weight:bold}
pre{margin:0 0 1rem;padding:.75rem 1rem}
.others{color:var(--soft)}
table{width:100%;border-collapse:collapse;font-size:14px;table-layout:fixed}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
th{width:13rem;font-weight:500;color:var(--soft)}
summary{cursor:pointer;font-weight:bold;margin:1.5rem 0 .5rem}
footer{margin-top:2rem;padding-bottom:2rem;font-size:13px;color:var(--soft)}
@media (max-width:40rem){header,main,footer{padding-left:1rem;padding-right:1rem}h1{font-size:1.25rem}th{width:8rem}li::before{width:2.75rem;padding-right:.75rem}}
`;
