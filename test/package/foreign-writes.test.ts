import { resolve } from "node:path";
import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isDeleteExpression,
  isPostfixUnaryExpression,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
} from "typescript/unstable/ast/is";
import { API } from "typescript/unstable/sync";
import { expect, test } from "vitest";
import { projectRoot } from "./packed-package.ts";

/** What is assigned to by `=`, `+=`, `??=` …, by `++` and `--`, and by `delete`, where it is a property. */
function* writtenProperties(file: SourceFile): Generator<Node> {
  const waiting: Node[] = [file];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const target = targetOf(node);
    if (target !== null && isPropertyAccessExpression(target) && target.expression.kind !== SyntaxKind.ThisKeyword) yield target.name;
    node.forEachChild((child) => {
      waiting.push(child);
    });
  }
}

function targetOf(node: Node): Node | null {
  if (isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    return kind >= SyntaxKind.FirstAssignment && kind <= SyntaxKind.LastAssignment ? node.left : null;
  }
  if (isPrefixUnaryExpression(node) || isPostfixUnaryExpression(node)) {
    return node.operator === SyntaxKind.PlusPlusToken || node.operator === SyntaxKind.MinusMinusToken ? node.operand : null;
  }
  return isDeleteExpression(node) ? node.expression : null;
}

/** `file: Class.field` of every write to a field of a class that another file declares. An accessor is a method: it is not meant. */
function foreignWrites(api: API, folder: string): readonly string[] {
  const config = resolve(projectRoot, "tsconfig.json");
  const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
  if (project === undefined) throw new Error(`${config} was not opened`);
  const found = new Set<string>();
  for (const name of project.rootFiles.filter((path) => path.startsWith(`${resolve(projectRoot, folder)}/`))) {
    const file = project.program.getSourceFile(name);
    if (file === undefined) throw new Error(`${name} is not in the program`);
    const written = [...writtenProperties(file)];
    const symbols = written.length === 0 ? [] : project.checker.getSymbolAtLocation(written);
    for (const symbol of symbols) {
      const declaration = symbol?.valueDeclaration;
      if (declaration?.kind !== SyntaxKind.PropertyDeclaration || declaration.path === name) continue;
      found.add(`${name.slice(projectRoot.length + 1)}: ${symbol?.getParent()?.name}.${symbol?.name}`);
    }
  }
  return [...found].toSorted();
}

test("no file of src writes a field of another file's class", () => {
  const api = new API({ cwd: projectRoot });
  try {
    expect(foreignWrites(api, "src")).toEqual([]);
  } finally {
    api.close();
  }
});
