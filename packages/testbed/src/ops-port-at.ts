const FIRST_OPS_PORT = 9_464
const MAX_PORT = 65_535

/**
 * The OPS_PORT of one of the processes that `npm start` starts: the one that is set is that of the first, and the others
 * have those after it.
 * @param place 0 for the first.
 * @param first What OPS_PORT says. Default, also of an empty text: 9464.
 */
export function opsPortAt(place: number, first: string | undefined): string {
  const text = first || String(FIRST_OPS_PORT)
  // 0 is any free port. What is no port is passed on as it is, so that the service can say what is wrong with it.
  const isPort = /^\d+$/.test(text) && Number(text) > 0 && Number(text) <= MAX_PORT
  if (!isPort) return text
  const port = Number(text) + place
  return String(port <= MAX_PORT ? port : 0)
}
