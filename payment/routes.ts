/** The HTTP contract of /payment: its table of contents. What each does: payment.ts. */
import type { Route } from '../lib/runtime/route.ts'
import type { Payment } from './payment.ts'

export function paymentRoutes(payment: Payment): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/payment/create_user',
      summary: 'Creates a user with credit 0.',
      parameters: {},
      answer: {
        type: 'object',
        required: ['user_id'],
        properties: { user_id: { type: 'string' } },
      },
      problems: [],
      visibility: 'public',
      handle: (request) => payment.createUser(request),
    },
    {
      method: 'GET',
      path: '/payment/find_user/{user_id}',
      summary: 'Credit of a user; what open checkouts hold is not shown.',
      parameters: { user_id: 'id' },
      answer: {
        type: 'object',
        required: ['user_id', 'credit'],
        properties: { user_id: { type: 'string' }, credit: { type: 'integer' } },
      },
      problems: ['unknown_user'],
      visibility: 'public',
      handle: ({ parameters }) => payment.findUser(parameters.id('user_id')),
    },
    {
      method: 'POST',
      path: '/payment/add_funds/{user_id}/{amount}',
      summary: 'Adds credit.',
      parameters: { user_id: 'id', amount: 'amount' },
      answer: 'text',
      problems: ['unknown_user', 'overflow'],
      visibility: 'public',
      handle: (request) =>
        payment.addFunds(
          request,
          request.parameters.id('user_id'),
          request.parameters.number('amount'),
        ),
    },
    {
      method: 'POST',
      path: '/payment/pay/{user_id}/{amount}',
      summary: 'Takes credit; never below zero.',
      parameters: { user_id: 'id', amount: 'amount' },
      answer: 'text',
      problems: ['unknown_user', 'insufficient_credit', 'busy'],
      visibility: 'public',
      handle: (request) =>
        payment.pay(request, request.parameters.id('user_id'), request.parameters.number('amount')),
    },
    {
      method: 'POST',
      path: '/payment/batch_init/{n}/{starting_money}',
      summary: 'Replaces users "0" to "n-1".',
      parameters: { n: 'size', starting_money: 'count' },
      answer: { type: 'object', required: ['msg'], properties: { msg: { type: 'string' } } },
      problems: [],
      visibility: 'public',
      handle: (request) =>
        payment.batchInit(
          request,
          request.parameters.number('n'),
          request.parameters.number('starting_money'),
        ),
    },
  ]
}
