/**
 * Adds a counter to every branch of the product's code while Node loads it. The compiler's own syntax tree is used, so
 * that what runs is the code as written, types taken out. Nothing is written to disk.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
// the last compiler that has an API in JavaScript
import ts from 'typescript-5';
import { GLOBAL_NAME, type Coverage } from './coverage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The rooms whose parsers are fuzzed; test doubles are not what is looked for. */
const INSTRUMENTED = /^(?:core|certs|proxy)\/(?!.*(?:testing\/|\.test\.ts$)).*\.[jt]s$/;

/** Instruments every product module that is imported after this. */
export function instrument(coverage: Coverage): void {
  coverage.install();
  registerHooks({
    load(url, context, nextLoad) {
      const file = url.startsWith('file:') ? fileURLToPath(url) : undefined;
      if (file === undefined || !INSTRUMENTED.test(relative(ROOT, file))) return nextLoad(url, context);
      const source = transform(readFileSync(file, 'utf8'), file, coverage);
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

/** The module as JavaScript with its counters. */
export function transform(source: string, fileName: string, coverage: Coverage): string {
  return ts.transpileModule(source, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ES2024,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
      allowJs: true,
    },
    transformers: { before: [branchCounter(coverage)] },
  }).outputText;
}

function branchCounter(coverage: Coverage): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const increment = (): ts.Expression =>
      factory.createPostfixIncrement(
        factory.createElementAccessExpression(
          factory.createPropertyAccessExpression(factory.createIdentifier('globalThis'), GLOBAL_NAME),
          coverage.allocate(),
        ),
      );
    const counted = (body: ts.Expression) =>
      factory.createParenthesizedExpression(factory.createComma(increment(), body));
    const statement = () => factory.createExpressionStatement(increment());
    const block = (body: ts.Statement): ts.Block =>
      factory.createBlock([statement(), ...(ts.isBlock(body) ? body.statements : [body])], true);
    const visitor = (node: ts.Node): ts.Node => {
      const visited = ts.visitEachChild(node, visitor, context);
      return withCounters(visited, { factory, counted, statement, block });
    };
    return (file) => ts.visitEachChild(file, visitor, context);
  };
}

interface Counting {
  factory: ts.NodeFactory;
  counted(body: ts.Expression): ts.Expression;
  statement(): ts.Statement;
  block(body: ts.Statement): ts.Block;
}

const SHORT_CIRCUITS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]);

/** The node with a counter on each way through it. */
function withCounters(node: ts.Node, counting: Counting): ts.Node {
  const { factory, counted, statement, block } = counting;
  if (ts.isIfStatement(node)) {
    // where there is no else, not entering is a branch as well
    const otherwise = node.elseStatement ? block(node.elseStatement) : factory.createBlock([statement()]);
    return factory.updateIfStatement(node, node.expression, block(node.thenStatement), otherwise);
  }
  if (ts.isConditionalExpression(node)) {
    const { condition, questionToken, whenTrue, colonToken, whenFalse } = node;
    return factory.createConditionalExpression(
      condition,
      questionToken,
      counted(whenTrue),
      colonToken,
      counted(whenFalse),
    );
  }
  if (ts.isBinaryExpression(node) && SHORT_CIRCUITS.has(node.operatorToken.kind)) {
    return factory.updateBinaryExpression(node, node.left, node.operatorToken, counted(node.right));
  }
  if (ts.isCaseOrDefaultClause(node)) return clause(node, counting);
  return loop(node, counting) ?? callable(node, counting) ?? node;
}

function clause(node: ts.CaseOrDefaultClause, { factory, statement }: Counting): ts.Node {
  const statements = [statement(), ...node.statements];
  return ts.isCaseClause(node)
    ? factory.updateCaseClause(node, node.expression, statements)
    : factory.updateDefaultClause(node, statements);
}

function loop(node: ts.Node, { factory, block }: Counting): ts.Node | undefined {
  if (ts.isWhileStatement(node))
    return factory.updateWhileStatement(node, node.expression, block(node.statement));
  if (ts.isDoStatement(node)) return factory.updateDoStatement(node, block(node.statement), node.expression);
  if (ts.isForStatement(node)) {
    const { initializer, condition, incrementor, statement } = node;
    return factory.updateForStatement(node, initializer, condition, incrementor, block(statement));
  }
  if (ts.isForOfStatement(node)) {
    const { awaitModifier, initializer, expression, statement } = node;
    return factory.updateForOfStatement(node, awaitModifier, initializer, expression, block(statement));
  }
  return undefined;
}

/** Functions, methods and arrows with a body of statements. Constructors stay: `super` must come first. */
function callable(node: ts.Node, { factory, block }: Counting): ts.Node | undefined {
  if (ts.isMethodDeclaration(node) && node.body) {
    const { modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type, body } = node;
    return factory.updateMethodDeclaration(
      node, modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type, block(body),
    ); // prettier-ignore
  }
  if (ts.isFunctionDeclaration(node) && node.body) {
    const { modifiers, asteriskToken, name, typeParameters, parameters, type, body } = node;
    return factory.updateFunctionDeclaration(
      node, modifiers, asteriskToken, name, typeParameters, parameters, type, block(body),
    ); // prettier-ignore
  }
  return undefined;
}
