// The page, from plain data. Nothing here knows a database or a request.

import { type Answered, renderAnswered } from "./_answered.ts";
import type { Entry } from "./_book.ts";
import { type Draft, MESSAGE_LIMIT, NAME_LIMIT } from "./_form.ts";
import { type Html, html } from "./_html.ts";

export const ENTRIES_SHOWN = 30;

/** A form that was sent and not accepted. */
export interface Attempt {
  readonly draft: Draft;
  readonly objection: string;
}

export interface Page {
  readonly entries: readonly Entry[];
  readonly total: number;
  readonly attempt?: Attempt | undefined;
  readonly answered: Answered | undefined;
}

export function renderPage({ entries, total, attempt, answered }: Page): Html {
  const form = renderForm(attempt);
  const list = renderEntries(entries, total);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Guestbook</title>
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="style.css">
</head>
<body>
<header>
<h1>Guestbook</h1>
<p>Its pages come from a worker that keeps running, over a database connection that it keeps open.</p>
</header>
<main>
${form}
${answered === undefined ? undefined : renderAnswered(answered)}
${list}
</main>
</body>
</html>
`;
}

function renderForm(attempt: Attempt | undefined): Html {
  const draft = attempt?.draft;
  return html`<form method="post" action="./">
<h2>Sign it</h2>
${attempt === undefined ? undefined : html`<p class="objection" role="alert">${attempt.objection}</p>`}
<label for="name">Name</label>
<input id="name" name="name" maxlength="${NAME_LIMIT}" autocomplete="name" required value="${draft?.name}">
<label for="message">Message</label>
<textarea id="message" name="message" rows="3" maxlength="${MESSAGE_LIMIT}" required>
${draft?.message}</textarea>
<button>Sign the guestbook</button>
</form>`;
}

function renderEntries(entries: readonly Entry[], total: number): Html {
  if (total === 0)
    return html`<section id="entries"><h2>Entries</h2><p class="none">Nobody has signed yet. Be the first.</p></section>`;
  return html`<section id="entries">
<h2>${total === 1 ? "1 entry" : `${total.toLocaleString("en")} entries`}</h2>
<ol>
${entries.map(renderEntry)}
</ol>
${total > entries.length ? html`<p class="none">The newest ${entries.length} are shown.</p>` : undefined}
</section>`;
}

const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

function renderEntry({ id, name, message, writtenAt }: Entry): Html {
  return html`<li id="entry-${id}"><p class="message">${message}</p>
<p class="by"><b dir="auto">${name}</b> <time datetime="${writtenAt.toISOString()}">${date.format(writtenAt)} UTC</time></p></li>
`;
}
