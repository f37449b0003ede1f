import type { ReactNode } from "react";
import { Links, Meta, Outlet, Scripts, ScrollRestoration } from "react-router";
import "./app.css";

export function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="data:," />
        <Meta />
        <Links />
      </head>
      <body>
        {children}
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}

export default function Root() {
  return <Outlet />;
}

export function ErrorBoundary({ error }: { error: unknown }) {
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : 500;
  return (
    <main className="mx-auto max-w-2xl px-6 py-24">
      <title>Not available</title>
      <h1 className="text-3xl font-semibold">{status === 404 ? "This page does not exist" : "Something went wrong"}</h1>
      <p className="mt-4">
        <a className="underline" href="/">
          Back to the start
        </a>
      </p>
    </main>
  );
}
