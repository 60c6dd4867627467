// Texts that try to become markup, script or style wherever they are put.

import fc from "fast-check";

const WRITTEN = [
  "",
  "plain",
  "<script>alert(1)</script>",
  "</script><script>pwned()</script>",
  "</ScRiPt ><script>pwned()</script>",
  "</style><script>pwned()</script>",
  "</textarea><script>pwned()</script>",
  "</title><script>pwned()</script>",
  "--><script>pwned()</script>",
  "--!><script>pwned()</script>",
  "-",
  "--",
  "->",
  ">",
  "<!--",
  "<!--<script>",
  "]]><script>pwned()</script>",
  '"><img src=x onerror=pwned()>',
  "'><img src=x onerror=pwned()>",
  "` onerror=pwned() `",
  '" onmouseover="pwned()" style="position:fixed;inset:0',
  "\" onclick=pwned() x='",
  "&quot;);pwned();//",
  "&#39;);pwned();//",
  "&lt;b&gt;",
  "&amp",
  "javascript:pwned()",
  " javascript:pwned()",
  "\tjava\nscript\r:pwned()",
  "\u0001JavaScript:pwned()",
  "javascript&colon;pwned()",
  "vbscript:pwned()",
  "data:text/html,<script>pwned()</script>",
  "x:y",
  "//host.test/",
  "/\\host.test",
  "?a=b&c=d#e",
  '";pwned();//',
  "';pwned();//",
  "\\",
  '\\";pwned();//',
  "\\';pwned();//",
  "*/pwned()/*",
  "//",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: for the page, not for this file
  "${pwned()}",
  "`+pwned()+`",
  "\u2028pwned()",
  "\u2029pwned()",
  "\n pwned()",
  "\r\n",
  "\n",
  "1;pwned()",
  "red;}*{display:none}",
  "expression(pwned())",
  "url(javascript:pwned())",
  '");}*{display:none}',
  "\\22 );}*{display:none}",
  "}</style>",
  "@import 'x'",
  "/*",
  "é😀\u202e",
  "\u0000x",
  "+ADw-script+AD4-",
];

const PIECE = fc.constantFrom(
  ..."<>&\"'`/\\=;:(){}[]!-*#%$ \t\n\r".split(""),
  ..."</script> </style> <!-- --> javascript: &#x27; pwned() on x é 😀 \u2028 \\u0022 \\x3c </ <script ]]> url( ${".split(
    " ",
  ),
);

/** The same ones each time: those above, and `count` made of their parts. */
export function hostileTexts(count: number): string[] {
  const parts = fc.array(PIECE, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(""));
  return [...WRITTEN, ...fc.sample(parts, { numRuns: count, seed: 27 })];
}
