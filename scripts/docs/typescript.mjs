// SPDX-License-Identifier: MIT
// typescript.mjs - prints what declaration files export, as JSON of model.py's
// items: the names, their members, their comments.
//
//   node typescript.mjs TYPESCRIPT FILE.d.ts ...

import { createRequire } from 'node:module';
import { dirname, relative, resolve } from 'node:path';

const [typescript, ...files] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(resolve(typescript));
const roots = files.map((file) => resolve(file));
const program = ts.createProgram(roots, {
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [], strict: true,
});
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
const folders = new Set(roots.map((file) => dirname(file)));

const isOurs = (node) => {
  const file = node.getSourceFile().fileName;
  return [...folders].some((folder) => file.startsWith(`${folder}/`));
};

function whereOf(node) {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative('.', file.fileName)}:${line + 1}`;
}

/** The words, and those of parameters and results where there are tags. */
function docOf(symbol) {
  const words = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const tags = symbol.getJsDocTags(checker).map(
    ({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`.trim());
  return [words, ...tags].join('\n').trim();
}

function codeOf(node) {
  const text = printer.printNode(
    ts.EmitHint.Unspecified, node, node.getSourceFile());
  return text.replace(/^(export |declare |default )+/, '');
}

const KINDS = new Map([
  [ts.SyntaxKind.ClassDeclaration, 'class'],
  [ts.SyntaxKind.InterfaceDeclaration, 'interface'],
  [ts.SyntaxKind.TypeAliasDeclaration, 'type'],
  [ts.SyntaxKind.FunctionDeclaration, 'function'],
  [ts.SyntaxKind.VariableDeclaration, 'variable'],
  [ts.SyntaxKind.EnumDeclaration, 'enum'],
  [ts.SyntaxKind.EnumMember, 'constant'],
  [ts.SyntaxKind.Constructor, 'constructor'],
  [ts.SyntaxKind.MethodDeclaration, 'method'],
  [ts.SyntaxKind.MethodSignature, 'method'],
]);

function itemOf(symbol, node, members = []) {
  return {
    kind: KINDS.get(node.kind) ?? 'property', name: symbol.name,
    where: whereOf(node), doc: docOf(symbol), code: codeOf(node), members,
  };
}

function memberItems(symbols) {
  return symbols
    .filter(({ name }) => !/^(_|#)/.test(name) && name !== 'prototype')
    .map((symbol) => [symbol, symbol.declarations?.[0]])
    .filter(([, node]) => node && isOurs(node))
    .map(([symbol, node]) => itemOf(symbol, node));
}

/** A class's constructor, its own or the nearest above it, if anybody may call
 * it. */
function constructorItems(type) {
  return type.getConstructSignatures()
    .map((signature) => signature.declaration)
    .filter((node) => node && isOurs(node) &&
      node.kind === ts.SyntaxKind.Constructor)
    .map((node) => ({
      kind: 'constructor', name: 'constructor', where: whereOf(node),
      doc: ts.displayPartsToString(
        checker.getSignatureFromDeclaration(node).getDocumentationComment(checker)),
      code: codeOf(node), members: [],
    }));
}

function membersOf(symbol, node) {
  if (ts.isClassDeclaration(node)) {
    const type = checker.getTypeOfSymbolAtLocation(symbol, node);
    return [
      ...constructorItems(type),
      ...memberItems(type.getProperties()),
      ...memberItems(checker.getDeclaredTypeOfSymbol(symbol).getProperties()),
    ];
  }
  if (ts.isInterfaceDeclaration(node)) {
    return memberItems(checker.getDeclaredTypeOfSymbol(symbol).getProperties());
  }
  if (ts.isEnumDeclaration(node)) {
    return memberItems([...symbol.exports.values()]);
  }
  return [];
}

function headOf(item, node) {
  if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) return item;
  return { ...item, code: item.code.slice(0, item.code.indexOf('{')).trim() };
}

function exportsOf(root) {
  const file = program.getSourceFile(root);
  return checker.getExportsOfModule(checker.getSymbolAtLocation(file))
    .map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias
        ? checker.getAliasedSymbol(exported) : exported;
      const node = symbol.declarations[0];
      const item = headOf(itemOf(symbol, node, membersOf(symbol, node)), node);
      return { ...item, name: exported.name };
    });
}

const found = Object.fromEntries(
  roots.map((root, i) => [files[i], exportsOf(root)]));
process.stdout.write(JSON.stringify(found));
