import { lexer, type Token, type Tokens } from "marked";
import type { ComponentChildren } from "preact";

/**
 * Markdown of foreign origin as elements of ours. HTML in it stays text, links and pictures
 * become their text, so nothing in it can load, run or lead anywhere.
 */
export function Markdown({ text }: { text: string }) {
  return <div class="ov-markdown">{blocks(lexer(text))}</div>;
}

/** The first sentence of a Markdown text, without its marks. */
export function firstSentence(text: string): string {
  const paragraph = lexer(text).find((token) => token.type === "paragraph");
  const plain = paragraph === undefined ? text.trim() : plainText(paragraph);
  const flat = plain.replace(/\s+/g, " ").trim();
  // A full stop inside `e.g.` or `1.5` ends no sentence: the next one begins with a capital.
  const end = /[.!?](?=\s+[A-Z(`]|$)/.exec(flat.replace(/\b(e\.g|i\.e)\.(?=\s)/g, "$1,"));
  return end === null ? flat : flat.slice(0, end.index + 1);
}

function blocks(tokens: readonly Token[]): ComponentChildren[] {
  return tokens.map((token, index) => <Block key={index} token={token} />);
}

function Block({ token }: { token: Token }) {
  switch (token.type) {
    case "space":
    case "def":
    case "hr":
      return null;
    case "heading":
      return <p class="ov-markdown-heading">{inline(token)}</p>;
    case "code":
      return (
        <pre>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case "list":
      return <List list={token as Tokens.List} />;
    case "blockquote":
      return <blockquote>{blocks((token as Tokens.Blockquote).tokens)}</blockquote>;
    case "table":
      return <Table table={token as Tokens.Table} />;
    case "text":
      return <span>{inline(token)}</span>;
    default:
      return <p>{inline(token)}</p>;
  }
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, index) => <li key={index}>{blocks(item.tokens)}</li>);
  return list.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }) {
  const cells = (row: Tokens.TableCell[]) =>
    row.map((cell, index) => <td key={index}>{parts(cell.tokens)}</td>);
  return (
    <table>
      <tbody>
        <tr>{cells(table.header)}</tr>
        {table.rows.map((row, index) => (
          <tr key={index}>{cells(row)}</tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(token: Token): ComponentChildren {
  if ("tokens" in token && token.tokens !== undefined) return parts(token.tokens);
  return unescaped("text" in token ? String(token.text) : token.raw);
}

function parts(tokens: readonly Token[]): ComponentChildren[] {
  return tokens.map((token, index) => <Part key={index} token={token} />);
}

function Part({ token }: { token: Token }): ComponentChildren {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token)}</strong>;
    case "em":
      return <em>{inline(token)}</em>;
    case "codespan":
      return <code>{(token as Tokens.Codespan).text}</code>;
    case "br":
      return <br />;
    case "html":
      return /^<br\s*\/?>$/i.test(token.raw.trim()) ? <br /> : token.raw;
    default:
      return inline(token);
  }
}

function plainText(token: Token): string {
  if ("tokens" in token && token.tokens !== undefined) return token.tokens.map(plainText).join("");
  return unescaped("text" in token ? String(token.text) : token.raw);
}

/** The lexer leaves the few named entities that Markdown writers use; they are shown as signs. */
function unescaped(text: string): string {
  const signs: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', nbsp: " " };
  return text.replace(/&(lt|gt|amp|quot|nbsp);/g, (_, name: string) => signs[name] ?? "");
}
