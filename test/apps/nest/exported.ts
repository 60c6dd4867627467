import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.ts";

export default await NestFactory.create(AppModule, { logger: false });
