/**
 * Bundles src/browser for web pages: browser.js, its worker and both builds of the kernels, in the folder named by the
 * first argument (dist/browser by default).
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles into `folder`. */
export async function buildBrowser(folder: string): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    base: './',
    publicDir: false,
    worker: { format: 'es' },
    build: {
      target: 'es2023',
      outDir: folder,
      emptyOutDir: false,
      minify: true,
      modulePreload: false,
      assetsInlineLimit: 0,
      rollupOptions: {
        input: join(root, 'src/browser/browser.ts'),
        preserveEntrySignatures: 'strict',
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          assetFileNames: '[name][extname]',
          chunkFileNames: '[name].js',
        },
      },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await buildBrowser(resolve(process.argv[2] ?? join(root, 'dist/browser')));
