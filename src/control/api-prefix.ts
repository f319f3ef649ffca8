/** What every path of the API begins with; another number would be another API. */
export const apiPrefix = "/api/v1";
