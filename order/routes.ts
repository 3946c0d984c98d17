/** The HTTP contract of /orders: its table of contents. What each does: orders.ts, checkout.ts. */
import type { Route } from '../lib/runtime/route.ts'
import type { Checkouts } from './checkout.ts'
import type { Orders } from './orders.ts'

const orderSchema = {
  type: 'object',
  required: ['order_id', 'paid', 'items', 'user_id', 'total_cost'],
  properties: {
    order_id: { type: 'string' },
    paid: { type: 'boolean' },
    items: {
      type: 'array',
      items: {
        type: 'array',
        // An id and a quantity. `prefixItems` would say more, but not every reader knows it.
        items: { type: ['string', 'integer'] },
        minItems: 2,
        maxItems: 2,
      },
    },
    user_id: { type: 'string' },
    total_cost: { type: 'integer' },
  },
}

export function orderRoutes(orders: Orders, checkouts: Checkouts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/orders/create/{user_id}',
      summary: 'Creates an order without lines; the user is looked at when it is checked out.',
      parameters: { user_id: 'id' },
      answer: {
        type: 'object',
        required: ['order_id'],
        properties: { order_id: { type: 'string' } },
      },
      problems: [],
      visibility: 'public',
      handle: (request) => orders.create(request, request.parameters.id('user_id')),
    },
    {
      method: 'GET',
      path: '/orders/find/{order_id}',
      summary: 'Lines, total and whether it is paid.',
      parameters: { order_id: 'id' },
      answer: orderSchema,
      problems: ['unknown_order'],
      visibility: 'public',
      handle: ({ parameters }) => orders.find(parameters.id('order_id')),
    },
    {
      method: 'POST',
      path: '/orders/addItem/{order_id}/{item_id}/{quantity}',
      summary:
        'Adds units of an item; the same item twice adds up, at the price of the first time.',
      parameters: { order_id: 'id', item_id: 'id', quantity: 'amount' },
      answer: 'text',
      problems: ['unknown_order', 'unknown_item', 'order_paid', 'in_checkout', 'overflow'],
      visibility: 'public',
      handle: (request) =>
        orders.addItem(
          request,
          request.parameters.id('order_id'),
          request.parameters.id('item_id'),
          request.parameters.number('quantity'),
        ),
    },
    {
      method: 'POST',
      path: '/orders/checkout/{order_id}',
      summary: 'Pays the order, or refuses and changes nothing; repeating it never charges twice.',
      parameters: { order_id: 'id' },
      answer: 'text',
      problems: [
        'unknown_order',
        'insufficient_stock',
        'insufficient_credit',
        'unknown_item',
        'unknown_user',
        'busy',
        'in_checkout',
        'timed_out',
        'already_paid',
        'order_changed',
        'ended',
      ],
      visibility: 'public',
      crowd: checkouts.crowd,
      handle: (request) => checkouts.checkout(request, request.parameters.id('order_id')),
    },
    {
      method: 'POST',
      path: '/orders/batch_init/{n}/{n_items}/{n_users}/{item_price}',
      summary: 'Replaces orders "0" to "n-1": two random items each, a random user.',
      parameters: { n: 'size', n_items: 'size', n_users: 'size', item_price: 'count' },
      answer: { type: 'object', required: ['msg'], properties: { msg: { type: 'string' } } },
      problems: ['overflow'],
      visibility: 'public',
      handle: (request) =>
        orders.batchInit(
          request,
          request.parameters.number('n'),
          request.parameters.number('n_items'),
          request.parameters.number('n_users'),
          request.parameters.number('item_price'),
        ),
    },
  ]
}
