import type { PropsWithChildren } from "holdfast/jsx";

function Card({ children }: PropsWithChildren) {
  return <section class="card">{children}</section>;
}

/** The same in JSX: a handler that returns it. */
export default function About(request: Request) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>About</title>
        <link rel="stylesheet" href="style.css" />
      </head>
      <body>
        <nav>
          <a href="./">Wall</a> <a href="numbers">Numbers</a>
        </nav>
        <main>
          <h1>About</h1>
          <Card>
            <p>This one is JSX, and answers {new URL(request.url).pathname}.</p>
          </Card>
        </main>
      </body>
    </html>
  );
}
