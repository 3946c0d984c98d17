/** The HTTP contract of /stock: its table of contents. What each does: stock.ts. */
import type { Route } from '../lib/runtime/route.ts'
import type { Stock } from './stock.ts'

const itemSchema = {
  type: 'object',
  required: ['stock', 'price'],
  properties: { stock: { type: 'integer' }, price: { type: 'integer' } },
}

export function stockRoutes(stock: Stock): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/stock/item/create/{price}',
      summary: 'Creates an item without units; a price of 0 is allowed.',
      parameters: { price: 'count' },
      answer: {
        type: 'object',
        required: ['item_id'],
        properties: { item_id: { type: 'string' } },
      },
      problems: [],
      visibility: 'public',
      handle: (request) => stock.create(request, request.parameters.number('price')),
    },
    {
      method: 'GET',
      path: '/stock/find/{item_id}',
      summary: 'Units in stock and price of one; what open checkouts hold is not shown.',
      parameters: { item_id: 'id' },
      answer: itemSchema,
      problems: ['unknown_item'],
      visibility: 'public',
      handle: ({ parameters }) => stock.find(parameters.id('item_id')),
    },
    {
      method: 'POST',
      path: '/stock/add/{item_id}/{amount}',
      summary: 'Adds units.',
      parameters: { item_id: 'id', amount: 'amount' },
      answer: 'text',
      problems: ['unknown_item', 'overflow'],
      visibility: 'public',
      handle: (request) =>
        stock.add(request, request.parameters.id('item_id'), request.parameters.number('amount')),
    },
    {
      method: 'POST',
      path: '/stock/subtract/{item_id}/{amount}',
      summary: 'Takes units off the shelf; never below zero.',
      parameters: { item_id: 'id', amount: 'amount' },
      answer: 'text',
      problems: ['unknown_item', 'insufficient_stock', 'busy'],
      visibility: 'public',
      handle: (request) =>
        stock.subtract(
          request,
          request.parameters.id('item_id'),
          request.parameters.number('amount'),
        ),
    },
    {
      method: 'POST',
      path: '/stock/batch_init/{n}/{starting_stock}/{item_price}',
      summary: 'Replaces items "0" to "n-1".',
      parameters: { n: 'size', starting_stock: 'count', item_price: 'count' },
      answer: { type: 'object', required: ['msg'], properties: { msg: { type: 'string' } } },
      problems: [],
      visibility: 'public',
      handle: (request) =>
        stock.batchInit(
          request,
          request.parameters.number('n'),
          request.parameters.number('starting_stock'),
          request.parameters.number('item_price'),
        ),
    },
  ]
}
