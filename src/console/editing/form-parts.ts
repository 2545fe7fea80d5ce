import { html, type Markup } from '../../markup/html.ts';

/** One field of a form, with what a person needs to fill it in. */
export interface FieldPart {
  name: string;
  label: string;
  value: string;
  help?: Markup | string | null | undefined;
  /** Fault of the text that was sent. */
  fault?: string | undefined;
  required?: boolean;
  placeholder?: string | null | undefined;
}

export interface Choice {
  value: string;
  label: string;
}

export function textField(part: FieldPart): Markup {
  const { name, value, placeholder } = part;
  return labelled(
    part,
    html`<input id="${idOf(name)}" name="${name}" value="${value}" autocomplete="off" spellcheck="false"${
      placeholder ? html` placeholder="${placeholder}"` : null
    }${attributesOf(part)}>`,
  );
}

export function textArea(part: FieldPart, rows = 3): Markup {
  const { name, value } = part;
  // HTML drops a line end right after the tag.
  const text = value.startsWith('\n') ? `\n${value}` : value;
  return labelled(
    part,
    html`<textarea id="${idOf(name)}" name="${name}" rows="${rows}" autocomplete="off" spellcheck="false"${attributesOf(part)}>${text}</textarea>`,
  );
}

/** A field for a secret. It has no value: no page shows a secret, also not one that was just typed. */
export function secretField(part: Omit<FieldPart, 'value'>): Markup {
  return labelled(
    part,
    html`<input id="${idOf(part.name)}" name="${part.name}" type="password" autocomplete="new-password"${attributesOf(part)}>`,
  );
}

/** A field for a private key, which has several lines. It has no value, as that of any secret. */
export function keyField(part: Omit<FieldPart, 'value'>): Markup {
  return textArea({ ...part, value: '' }, 5);
}

export function selectField(part: FieldPart & { choices: readonly Choice[] }): Markup {
  const { name, value, choices } = part;
  return labelled(
    part,
    html`<select id="${idOf(name)}" name="${name}"${attributesOf(part)}>${choices.map(
      (choice) =>
        html`<option value="${choice.value}"${choice.value === value ? html` selected` : null}>${choice.label}</option>`,
    )}</select>`,
  );
}

export function checkboxField(part: FieldPart): Markup {
  const { name, label, value } = part;
  return html`<label class="check"><input id="${idOf(name)}" type="checkbox" name="${name}"${value === '' ? null : html` checked`}${attributesOf(part)}> ${label}</label>${below(part)}`;
}

/** Faults that belong to no field of the page. */
export function faultNotice(faults: Readonly<Record<string, string>>): Markup | null {
  const names = Object.keys(faults);
  if (names.length === 0) return null;
  const general = faults[''];
  const others = names.filter((name) => name !== '');
  return html`<div class="notice bad" role="alert"><p>Nothing was changed. Correct the form and send it again.</p>${
    general === undefined ? null : html`<p>${general}</p>`
  }${
    others.length === 0
      ? null
      : html`<ul>${others.map((name) => html`<li><a href="#${idOf(name)}">${name}</a>: ${faults[name]}</li>`)}</ul>`
  }</div>`;
}

const idOf = (name: string) => `field-${name}`;

function labelled(part: Omit<FieldPart, 'value'>, control: Markup): Markup {
  return html`<label for="${idOf(part.name)}">${part.label}${
    part.required ? html` <span class="soft">(required)</span>` : null
  }</label>${control}${below(part)}`;
}

function attributesOf({ name, help, fault, required }: Omit<FieldPart, 'value'>): Markup {
  const described = [...(fault === undefined ? [] : [`${idOf(name)}-fault`]), ...(help ? [`${idOf(name)}-help`] : [])];
  return html`${described.length === 0 ? null : html` aria-describedby="${described.join(' ')}"`}${
    fault === undefined ? null : html` aria-invalid="true"`
  }${required ? html` aria-required="true"` : null}`;
}

function below({ name, help, fault }: Omit<FieldPart, 'value'>): Markup {
  return html`${fault === undefined ? null : html`<p class="fault" id="${idOf(name)}-fault">${fault}</p>`}${
    help ? html`<p class="help" id="${idOf(name)}-help">${help}</p>` : null
  }`;
}
