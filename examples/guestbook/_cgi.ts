// The same page as a CGI script would write it: a whole process for one answer. Run by _cgi-cost.ts.

import { openBook } from "./_book.ts";
import { ENTRIES_SHOWN, renderPage } from "./_page.ts";

const book = await openBook();
const page = renderPage({ ...(await book.newest(ENTRIES_SHOWN)), answered: undefined });
await book.close();
process.stdout.write(`Content-Type: text/html; charset=utf-8\r\n\r\n${page}`);
