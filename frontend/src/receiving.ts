/** The body of an answer as it comes, piece by piece: for as long as there are pieces, nobody loses patience. */

import { brokenOff } from "./answers.js";
import type { Patience } from "./patience.js";

/** Lines of JSON, some at a time, as they come. The last one has to be ended, too. Raises ServerError. */
export async function* linesOf<Line>(answer: Response, patience: Patience): AsyncGenerator<Line[]> {
  let rest = "";
  for await (const text of pieces(answer.body!.pipeThrough(new TextDecoderStream()))) {
    patience.renew();
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield lines.filter(Boolean).map((line) => JSON.parse(line) as Line);
  }
  if (rest.trim()) throw brokenOff();
}

/** The whole body. `onProgress` hears how many bytes have come. */
export async function fileOf(
  answer: Response,
  patience: Patience,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<Blob> {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const piece of pieces(answer.body!)) {
    patience.renew();
    taken.push(piece);
    onProgress((bytes += piece.length));
  }
  return new Blob(taken, { type: answer.headers.get("Content-Type") ?? "" });
}

async function* pieces<Piece>(body: ReadableStream<Piece>): AsyncGenerator<Piece> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
