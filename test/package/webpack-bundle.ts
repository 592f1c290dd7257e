import { join } from "node:path";
import { expect } from "vitest";
import webpack from "webpack";

/** Bundles a program of the project with webpack, without an error and without a warning. @returns the file */
export async function webpackBundle(project: string, entry: string, { minimize }: { readonly minimize: boolean }): Promise<string> {
  const path = join(project, "webpack");
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    webpack(
      {
        mode: "production",
        optimization: { minimize },
        target: "node",
        context: project,
        entry,
        output: { path, filename: "main.mjs", module: true, chunkFormat: "module" },
        experiments: { outputModule: true },
      },
      (error, result) => (error === null ? resolve(result) : reject(error)),
    );
  });
  expect(stats?.compilation.errors.map(String)).toEqual([]);
  expect(stats?.compilation.warnings.map(String)).toEqual([]);
  return join(path, "main.mjs");
}
