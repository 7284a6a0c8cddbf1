/** What every command's dialog is made of: what it is about, what will happen, why it is done, and the refusal. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { newIdempotencyKey } from "../connection/api.ts";
import { Dialog, Facts, Refusal } from "./parts.tsx";

export interface CommandDialogProps {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
  /** Before the reason. */
  readonly children: ComponentChildren;
  readonly reasonLabel: string;
  /** After the reason. */
  readonly last?: ComponentChildren;
  readonly verb: string;
  /** Resolves with a sentence where it was refused; the same `commandKey` has no second effect. */
  readonly send: (reason: string, commandKey: string) => Promise<string | null>;
  readonly onClose: () => void;
}

export function CommandDialog(props: CommandDialogProps) {
  const { title, onClose } = props;
  const [reason, setReason] = useState("");
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const [commandKey] = useState(newIdempotencyKey);

  async function send(): Promise<void> {
    setSending(true);
    const refused = await props.send(reason, commandKey);
    setSending(false);
    setRefusal(refused);
    if (refused === null) onClose();
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <Facts rows={props.facts} />
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {props.children}
        <label>
          {props.reasonLabel}
          <textarea
            rows={2}
            maxLength={500}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
            required
          />
        </label>
        {props.last}
        <Refusal text={refusal} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger" disabled={isSending}>
            {props.verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
