// Serves the built app. PORT is a port on 127.0.0.1, or the path of a unix socket.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { createRequestListener } from "@react-router/node";
import * as build from "./build/server/index.js";

const client = join(import.meta.dirname, "build", "client");
const types = {
  ".css": "text/css", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".jpg": "image/jpeg",
  ".js": "text/javascript", ".json": "application/json", ".png": "image/png", ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8", ".webp": "image/webp", ".woff2": "font/woff2",
};

// The file of build/client that the request names, or nothing.
async function fileOf(request) {
  if (request.method !== "GET" && request.method !== "HEAD") return;
  try {
    const path = join(client, normalize(decodeURIComponent(new URL(request.url, "http://app").pathname)));
    if (!path.startsWith(client + "/")) return;
    const found = await stat(path);
    if (found.isFile()) return { path, size: found.size };
  } catch {
    return; // no such file, or no path at all: the app answers
  }
}

const page = createRequestListener({ build, mode: "production" });

export const server = createServer(async (request, response) => {
  if (request.url === "/healthz") {
    response.writeHead(200, { "content-type": "application/json" });
    return response.end('{"ok":true}');
  }
  const file = await fileOf(request);
  if (!file) return page(request, response);
  response.writeHead(200, {
    "content-type": types[extname(file.path)] ?? "application/octet-stream",
    "content-length": file.size,
    // Names under /assets/ carry a hash of their content.
    "cache-control": request.url.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "public, max-age=300",
  });
  if (request.method === "HEAD") return response.end();
  createReadStream(file.path).on("error", () => response.destroy()).pipe(response);
});

// A release that is replaced answers what it has begun, then ends.
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

const port = process.env.PORT ?? "3000";
if (/^\d+$/.test(port)) server.listen(Number(port), "127.0.0.1");
else server.listen(port);
