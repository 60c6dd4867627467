// Express 5 with every workload that asks for a small reply.

import express, { type Express } from "express";
import { compute, HELLO, page, thing, wait } from "./work.ts";

const TEXT = "text/plain;charset=UTF-8";

const app: Express = express();
app.get("{/*path}/hello", (_request, response) => void response.type(TEXT).send(HELLO));
app.get("{/*path}/heavy", (_request, response) => void response.type(TEXT).send(compute()));
app.get("{/*path}/wait", async (_request, response) => void response.type(TEXT).send(await wait()));
app.get("{/*path}/page", (_request, response) => void response.type("html").send(page()));
app.get("{/*path}/json", async (_request, response) => void response.json(await thing()));
export default app;
