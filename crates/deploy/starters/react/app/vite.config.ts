import { realpathSync } from "node:fs";
import { reactRouter } from "@react-router/dev/vite";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

const here = import.meta.dirname;

export default defineConfig({
  // node_modules is a link to a shared, read-only folder: what Vite caches stays here instead.
  cacheDir: ".vite",
  plugins: [tailwindcss(), reactRouter()],
  server: {
    fs: { allow: [here, realpathSync(`${here}/node_modules`)] },
  },
});
