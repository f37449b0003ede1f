export function meta() {
  return [{ title: "A new app" }, { name: "description", content: "Nothing is built yet." }];
}

export default function Home() {
  return (
    <main className="mx-auto flex min-h-dvh max-w-2xl flex-col justify-center px-6 py-24">
      <p className="text-sm font-medium text-teal-700 dark:text-teal-300">A new app</p>
      <h1 className="mt-2 text-4xl font-semibold tracking-tight">Nothing is built yet</h1>
      <p className="mt-4 text-lg text-slate-600 dark:text-slate-300">
        Say in plain words what this should become. Each request is built, tested and put here.
      </p>
    </main>
  );
}
