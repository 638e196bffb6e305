export const createHandlers = () => ({})
