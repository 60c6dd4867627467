import express from "express";

const app = express();
app.get("/{*any}", (_request, response) => {
  response.type("text/plain;charset=UTF-8").send("Hello, world\n");
});
export default app;
