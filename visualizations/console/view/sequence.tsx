/** A flow as a sequence diagram, and the same as text. */
import { type Lane, lanes, type Message } from "../model/sequence.ts";
import { durationText } from "../model/text.ts";

const laneWidth = 200;
const rowHeight = 34;
const headHeight = 34;
const placeOf = (lane: Lane): number => 140 + lanes.indexOf(lane) * laneWidth;

export function Sequence({
  messages,
  from,
}: {
  readonly messages: readonly Message[];
  readonly from: number;
}) {
  if (messages.length === 0) return <p>Nothing is known of its steps.</p>;
  const height = headHeight + messages.length * rowHeight + 20;
  const width = 140 + (lanes.length - 1) * laneWidth + 120;
  return (
    <>
      <div class="wide" tabIndex={0} role="region" aria-label="Sequence diagram">
        <svg
          class="sequence"
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          aria-hidden="true"
        >
          <defs>
            <marker
              id="head"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              orient="auto-start-reverse"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {lanes.map((lane) => (
            <g key={lane}>
              <text class="lane" x={placeOf(lane)} y={20}>
                {lane}
              </text>
              <line class="life" x1={placeOf(lane)} x2={placeOf(lane)} y1={headHeight} y2={height} />
            </g>
          ))}
          {messages.map((message, index) => (
            <Arrow
              key={`${message.position}/${index}`}
              message={message}
              y={headHeight + (index + 1) * rowHeight - 8}
              from={from}
            />
          ))}
        </svg>
      </div>
      <details>
        <summary>The same as text</summary>
        <ol>
          {messages.map((message, index) => (
            <li key={`${message.position}/${index}`}>
              {message.from === message.to ? message.from : `${message.from} to ${message.to}`}:{" "}
              {message.text}
              {message.detail !== "" && <span class="detail">{message.detail}</span>}
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function Arrow({
  message,
  y,
  from,
}: {
  readonly message: Message;
  readonly y: number;
  readonly from: number;
}) {
  const x1 = placeOf(message.from);
  const x2 = placeOf(message.to);
  const side = x2 > x1 ? -4 : 4;
  return (
    <g class={message.isBad ? "message bad" : "message"}>
      <title>{message.detail}</title>
      <text class="offset" x={8} y={y + 4}>
        {message.at < from
          ? `${durationText(from - message.at)} before`
          : `+${durationText(message.at - from)}`}
      </text>
      {x1 === x2 ? (
        <text class="thought" x={x1 + 10} y={y + 4}>
          {message.text}
        </text>
      ) : (
        <>
          <text x={(x1 + x2) / 2} y={y - 5}>
            {message.text}
          </text>
          <line x1={x1} x2={x2 + side} y1={y} y2={y} marker-end="url(#head)" />
        </>
      )}
    </g>
  );
}
