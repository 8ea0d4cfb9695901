// Answers each case, a line of JSON on the standard input, with a line of JSON on the
// standard output. A case that is refused has an error in its answer.
import { createInterface } from "node:readline";

export async function answer(solve) {
  for await (const line of createInterface({ input: process.stdin })) {
    let result;
    try {
      result = await solve(JSON.parse(line));
    } catch (error) {
      result = { error: String(error?.message ?? error) };
    }
    process.stdout.write(JSON.stringify(result) + "\n");
  }
}
