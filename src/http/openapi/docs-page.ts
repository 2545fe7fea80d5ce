import { html, type Markup } from '../../markup/html.ts';
import type { Page } from '../pages/page.ts';
import { problems } from '../problem.ts';
import type { OpenApiDocument, Operation } from './document.ts';
import type { JsonSchema } from './schema-collector.ts';

/** Readable page of the document: every operation with parameters, body and responses, and every error code. */
export function docsPage(document: OpenApiDocument): Page {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = document.tags.map((tag) => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  return {
    title: `${document.info.title} API`,
    body: html`<main class="docs">
<h1>${document.info.title} ${document.info.version}</h1>
<p>${document.info.summary}</p>
<p>${inline(document.info.description)}</p>
<nav aria-label="Operations"><ul>${operations.map(
      ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`,
    )}<li><a href="#errors">Errors</a></li><li><a href="#schemas">Schemas</a></li></ul></nav>
${groups.map(
  (group) =>
    html`<h2>${group.name}</h2><p>${group.description}</p>${group.operations.map(({ path, method, operation }) => operationSection(path, method, operation))}`,
)}
${errorSection()}
${schemaSection(document.components.schemas)}
</main>`,
  };
}

function operationSection(path: string, method: string, operation: Operation): Markup {
  const { parameters = [], requestBody, responses } = operation;
  return html`<section class="operation" id="${operation.operationId}">
<h3><span class="method">${method}</span> <code>${path}</code></h3>
<p><strong>${operation.summary}.</strong> ${operation.description === operation.summary ? null : inline(operation.description ?? '')}</p>
${parameters.length === 0 ? null : html`<h4>Parameters</h4>${table(['Name', 'In', 'Format', 'Description'], parameters.map(parameterRow))}`}
${requestBody === undefined ? null : html`<h4>Body</h4>${contentOf(requestBody)}`}
<h4>Responses</h4>
${Object.entries(responses).map(([status, response]) => html`<p><code>${status}</code> ${inline(String(response.description))}</p>${contentOf(response)}`)}
</section>`;
}

function parameterRow(parameter: JsonSchema): (string | Markup)[] {
  return [
    html`<code>${String(parameter.name)}</code>${parameter.required === true ? ' (required)' : ''}`,
    String(parameter.in),
    formOf(parameter.schema as JsonSchema),
    html`${inline(String(parameter.description ?? ''))}`,
  ];
}

function contentOf(part: JsonSchema): Markup[] {
  const content = (part.content ?? {}) as Record<string, { schema?: JsonSchema; example?: unknown }>;
  return Object.entries(content)
    .filter(([mediaType]) => mediaType !== 'application/problem+json')
    .map(
      ([mediaType, { schema, example }]) =>
        html`<p><code>${mediaType}</code> ${formOf(schema ?? {})}</p>${
          example === undefined ? null : html`<pre>${JSON.stringify(example, null, 2)}</pre>`
        }`,
    );
}

function errorSection(): Markup {
  const rows = Object.entries(problems).map(([code, { status, title, meaning }]) => [
    html`<code id="${code}">${code}</code>`,
    String(status),
    html`${title}. ${inline(meaning)}`,
  ]);
  return html`<h2 id="errors">Errors</h2>${table(['Code', 'Status', 'Meaning'], rows)}`;
}

function schemaSection(schemas: Record<string, JsonSchema>): Markup {
  return html`<h2 id="schemas">Schemas</h2>${Object.entries(schemas).map(([name, schema]) => {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
    const required = (schema.required ?? []) as string[];
    const rows = properties.map(([property, definition]) => [
      html`<code>${property}</code>${required.includes(property) ? ' (required)' : ''}`,
      formOf(definition),
      html`${inline(String(definition.description ?? ''))}`,
    ]);
    return html`<section class="operation" id="schema-${name}"><h3><code>${name}</code></h3><p>${inline(String(schema.description ?? ''))}</p>${table(['Field', 'Format', 'Description'], rows)}</section>`;
  })}`;
}

function table(head: readonly string[], rows: readonly (readonly (string | Markup)[])[]): Markup {
  return html`<table><thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table>`;
}

/** Renders `code` spans as in CommonMark. */
function inline(text: string): (string | Markup)[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

/** Describes a schema in a few words; links to it if it is a component. */
function formOf(schema: JsonSchema): Markup {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.slice('#/components/schemas/'.length);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const branches = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (branches !== undefined) {
    return html`${branches.map((branch, index) => html`${index === 0 ? '' : ' or '}${formOf(branch)}`)}`;
  }
  if (Array.isArray(schema.enum)) return html`${schema.enum.map(String).join(', ')}`;
  if (schema.const !== undefined) return html`${String(schema.const)}`;
  if (schema.type === 'array') return html`array of ${formOf((schema.items ?? {}) as JsonSchema)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'anything');
  const limits = [
    schema.format,
    schema.pattern === undefined ? undefined : `matching ${String(schema.pattern)}`,
    schema.minimum === undefined ? undefined : `from ${String(schema.minimum)}`,
    schema.maximum === undefined || schema.maximum === Number.MAX_SAFE_INTEGER
      ? undefined
      : `to ${String(schema.maximum)}`,
    schema.maxLength === undefined ? undefined : `at most ${String(schema.maxLength)} characters`,
    schema.default === undefined ? undefined : `default ${JSON.stringify(schema.default)}`,
  ];
  return html`${[type, ...limits.filter((limit) => limit !== undefined)].map(String).join(', ')}`;
}
