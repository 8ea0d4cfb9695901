package handler

// BulkParallel is bulkParallel.
const BulkParallel = bulkParallel
