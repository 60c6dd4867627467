// As Nest's own starter has it: a service that is injected by its type, which decorator metadata tells.

import { Readable } from "node:stream";
import {
  Body,
  Controller,
  Get,
  Header,
  Injectable,
  Module,
  type OnModuleDestroy,
  Post,
  Query,
  Req,
  StreamableFile,
} from "@nestjs/common";

@Injectable()
export class HelloService implements OnModuleDestroy {
  greet(name: string): string {
    return `Hello ${name}`;
  }

  onModuleDestroy(): void {
    console.log("the module is destroyed");
  }
}

@Controller()
export class HelloController {
  constructor(private readonly service: HelloService) {}

  @Get("hello")
  hello(@Query("name") name: string, @Req() request: { protocol: string; ip: string; url: string }) {
    return { hello: this.service.greet(name), protocol: request.protocol, ip: request.ip, url: request.url };
  }

  @Post("echo")
  echo(@Body() got: unknown) {
    return { got };
  }

  @Get("boom")
  boom(): never {
    throw new Error("nest fails");
  }

  @Get("download")
  @Header("Content-Type", "application/octet-stream")
  download(): StreamableFile {
    return new StreamableFile(Readable.from(Array.from({ length: 80 }, (_, made) => Buffer.alloc(64 * 1024, made))));
  }
}

@Module({ controllers: [HelloController], providers: [HelloService] })
export class AppModule {}
